# How a program starts together with the others, and tells how it went.
import json
import sys


def wait_for_signal():
    """Says that the program is loaded, and waits for a line on stdin: all processes begin at the same moment."""
    print("loaded", flush=True)
    sys.stdin.readline()


def report(tried, errors):
    """errors has the message of each commit that failed."""
    print(json.dumps({"tried": tried, "errors": errors}), flush=True)
