"""URLs that lead, or try to lead, to where no client's URL may."""

AS_WRITTEN = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0.0.0.0/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://[fd00::1]/",
    "http://user@127.0.0.1/",
    "http://example.org@127.0.0.1/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1%25eth0]/",
    "http://100.64.0.1/",
    "http://192.168.1.1:5432/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "http://example.org\\@127.0.0.1/",
    "http://example.org/\r\nHost: 127.0.0.1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://example.org/",
    "http:///nothing",
    "",
]
"""Refused as they are written: nothing is resolved, nothing is connected to."""

BY_NAME = ["http://localhost/", "http://rebound.test/"]
"""Refused by what their names resolve to."""
