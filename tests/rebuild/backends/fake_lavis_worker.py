"""Stands in for the worker program: speaks its protocol, and misbehaves on pictures of a given width.

Run by the backend under test as `python fake_lavis_worker.py`; how it behaves is in FAKE_LAVIS, as JSON:
{"start": what happens on starting, "<width>": what happens on a picture that wide}.
"""

import base64
import json
import os
import struct
import sys
import time
from pathlib import Path

behaviour = json.loads(os.environ["FAKE_LAVIS"])


def say(message):
    print(json.dumps(message), flush=True)


def misbehave(how):
    if how == "die":
        print("Segmentation fault (core dumped)", file=sys.stderr, flush=True)
        os._exit(139)
    if how == "hang":
        time.sleep(600)
    if how == "garbage":
        print("Loading checkpoint shards: 100%", flush=True)
    if how == "flood":
        sys.stderr.write("noise\n" * 200_000)  # more than a pipe holds
        sys.stderr.flush()


def width(picture):
    return struct.unpack(">I", base64.b64decode(picture)[16:20])[0]


with Path(os.environ["FAKE_LAVIS_STARTS"]).open("a") as starts:
    starts.write(f"{os.getpid()}\n")
settings = json.loads(sys.stdin.readline())
if "error" in behaviour:
    say({"error": behaviour["error"]})
    sys.exit()
misbehave(behaviour.get("start"))
if behaviour.get("start") == "deaf":
    say({"ready": {}})
    time.sleep(600)
say({"ready": {"model": settings["model"], "lavis": "fake"}})
for line in sys.stdin:
    request = json.loads(line)
    ways = [behaviour.get(str(width(picture))) for picture in request["pictures"]]
    for how in ways:
        misbehave(how)
    answers = [
        {"failure": "no words"} if how == "fail" else {"text": f"{prompt} {width(picture)}"}
        for how, picture, prompt in zip(ways, request["pictures"], request["prompts"], strict=True)
    ]
    if "short" in ways:
        answers.pop()
    say({"id": request["id"] + ("wrong" in ways), "answers": answers})
