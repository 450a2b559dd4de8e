"""The pictures as SVG, by matplotlib. It is imported by a process of its own, whose memory goes with it."""
