"""EPCIS 2.0 documents, JSON-LD and XML: checked, hashed, turned into records.

In:     documents of any size
Out:    scans; other events whole; what is wrong with each event
Not:    the lake (records.lake), queries, capture jobs, master data: refused with the reason
Words:  event hash = SHA-256 of an event's regular form, equal for JSON and XML (CBV 2.0 section 8.9);
        plain event = an event as a dict in the shape of EPCIS JSON, extensions keyed ``{namespace}name``
Source: GS1 EPCIS 2.0 and CBV 2.0 (2022)
"""
