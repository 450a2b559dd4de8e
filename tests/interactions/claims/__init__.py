"""What a CapabilityStatement can claim, each with how to try it: where it is claimed it works, where not it is refused.

The tables have every claim that is known; one that they lack is an error of who meets it. Nothing here names a type.
"""
