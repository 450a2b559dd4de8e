import asyncio, httpx, json, orjson, sys
from tests.support.resources import *
async def test_explore(client):
    async def p(label, m, url, **k):
        import time; t=time.monotonic()
        try:
            r = await client.request(m, url, **k)
        except Exception as e:
            print(f"!!! {label}: EXC {type(e).__name__} {e}"); return
        if r.status_code>=500 or time.monotonic()-t>0.5 or label[:4] in ('hist',"{'If") or 'MARKER' in label or 'page' in label: print(f"{r.status_code} {label} {time.monotonic()-t:.2f}s: {r.text[:300]!r}" if r.status_code not in (200,201) else f"{r.status_code} {label} {time.monotonic()-t:.2f}s")
        return r
    for n in range(915,945):
        body = b'{"resourceType":"CarePlan","x":' + b'{"a":' * n + b'1' + b'}'*n + b'}'
        await p(f"nest obj {n}", "POST", "/CarePlan", content=body)
        body = b'{"resourceType":"CarePlan","x":' + b'['*n + b'{"a":1,"a":2}' + b']'*n + b'}'
        await p(f"nest dup {n}", "POST", "/CarePlan", content=body)
        body = b'{"resourceType":"CarePlan","x":' + b'{"a":'*n + b'"\\u0000"' + b'}'*n + b'}'
        await p(f"nest nul {n}", "POST", "/CarePlan", content=body)
    for n in (84,85,86,88):
        inner = b'{"linkId":"1","type":"group","item":['*n + b'{"linkId":"x","type":"display"}' + b']}'*n
        body = b'{"resourceType":"CarePlan","status":"active","intent":"plan","subject":{"reference":"Patient/1"},"contained":[{"resourceType":"Questionnaire","id":"q","status":"draft","item":[' + inner + b']}]}'
        await p(f"contained questionnaire {n}", "POST", "/CarePlan", content=body)
    for num in ("1e999999999","1e-999999999","1e9999999999999999999","-1e999999999", "0.80","9"*40, "1."+"0"*5000+"1","0e999999999", "9"*5000):
        body = b'{"resourceType":"RiskAssessment","status":"final","subject":{"reference":"Patient/1"},"prediction":[{"probabilityDecimal":'+num.encode()+b'}]}'
        r=await p("prob "+num[:20], "POST", "/RiskAssessment", content=body)
        body = b'{"resourceType":"RiskAssessment","status":"final","subject":{"reference":"Patient/1"},"prediction":[{"probabilityRange":{"low":{"value":'+num.encode()+b'}}}]}'
        r=await p("range "+num[:20], "POST", "/RiskAssessment", content=body)
    for q in ("probability=1e999","probability=gt1e1001","probability=MARKERVALUE","date=MARKERVALUE","date=ge2020-13-01","date=xx2020","probability=ltNaN","probability=١","date=٢٠٢٠","subject=MARKER VALUE","_id=MARKER%00x","status=%00","_id=%ED%A0%80","_sort=MARKERx","_lastUpdated=0001-01-01T00:00:00%2B14:00","_lastUpdated=9999-12-31T23:59:59-14:00","date=0000","_count=%D9%A1","status=a|b|c","probability=sNaN","date=ap0001","date=ap9999", "_summary=MARKERVAL","_total=MARKERVAL","_page=MARKERVAL","_page=","probability=1e-1001", "probability=%20 1", "_tag=%7C","subject=%7C","subject:identifier=x","date=2020-02-30T10:00:60Z"):
        r = await p(q, "GET", "/RiskAssessment?"+q)
        if r is not None and 'MARKER' in r.text: print("   ECHO", r.text)
    for h in ({"If-Modified-Since":"Mon, 01 Jan 2024 00:00:00 +99999999999999999999"},{"If-Modified-Since":"Mon, 01 Jan 99999 00:00:00 GMT"},{"If-Modified-Since":""},{"If-None-Match":""},{"If-Modified-Since":"garbage"},{"If-Modified-Since":"Mon, 01 Jan 0000 00:00:00 GMT"},{"If-Modified-Since":"2026-01-01T00:00:00Z"},{"If-Modified-Since":"Mon, 01 Jan 0001 00:00:00 +2300"}):
        c = await created(client, care_plan())
        await p(str(h), "GET", f"/CarePlan/{c['id']}", headers=h)
    for q in ("_since=0001-01-01T00:00:00%2B14:00","_since=9999-12-31T23:59:59-14:00","_since=0000","_count=-1","_count=0","_page=xx","_since=2020-01-01T00:00:00+01:00", "foo=1","_since=0001"):
        r=await p("hist "+q, "GET", f"/CarePlan/{c['id']}/_history?{q}")
        if q=="_count=0": print(r.text)
    for url in ("//[x","http://[","http://testserver/fhir/R4/Goal","Goal/%00","Goal?_id=%ED%A0%80","","/","?","Goal:1","urn:uuid:1","Goal/1/2/3/4","metadata","_history","goal","Goal?status=\\","$x","Goal/_history","Goal/$x", "Patient/1", "Goal?a=b&&;", "/fhir/R4/Goal"):
        for kind in (batch, transaction):
            await p(f"{kind.__name__} GET {url}", "POST", "", content=orjson.dumps(kind(entry("GET", url))))
    for path in ("/CarePlan/_history","/CarePlan/$x","/_history","/$x","/careplan","/Patient","/CarePlan/a_b","/CarePlan/"+"a"*65,"/CarePlan/a%00b","/CarePlan/a%2Fb","/CarePlan/%ED%A0%80","/CarePlan/1/_history/x","/CarePlan/1/x","//CarePlan","/CarePlan/","/metadata/x","/CarePlan/_search", "/CarePlan/1/_history/"+"9"*30,"/CarePlan/%F0%9F%98%80", "/CarePlan/1/_history/1/x"):
        await p(path,"GET",path)
    await p("PATCH","PATCH","/CarePlan/1",content=b'[]')
    for m in ("OPTIONS","TRACE","FOO","PATCH","DELETE","PUT"): await p(m+" type",m,"/CarePlan")
    for m in ("OPTIONS","FOO","GET"): await p(m+" root",m,"")
    await p("search post format","POST","/CarePlan/_search",content=b"_format=json&status=active",headers={"content-type":"application/x-www-form-urlencoded"})
    await p("search post noct","POST","/CarePlan/_search",content=b"status=active")
