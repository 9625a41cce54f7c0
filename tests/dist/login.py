#!/usr/bin/env python3
"""Plays a whole login against the sandbox with packaged programs, then copies a small tree up and down.

    login.py SANDBOX AUTHORIZER… -- NODE-TOOL…
    login.py --only-connect FILE NODE-TOOL…

Each program is a command of one or more words, such as `wine64 authorizer.exe` or `chroot root node-tool`. node-tool asks (with
its verifier), the authorizer answers through a browser that is played here, and node-tool redeems the code.
The second form connects node-tool alone, as dbx:, to a sandbox that runs already and has printed its line into FILE.
"""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request


def main(sandbox, authorizer, node_tool):
    # Below the working directory: a chroot may begin there.
    home = pathlib.Path(tempfile.mkdtemp(prefix="login-", dir="/tmp"))
    dropbox = subprocess.Popen([sandbox, "--until-eof"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = json.loads(dropbox.stdout.readline())
    # What else this machine sets, such as its own certificates, may not be there for the programs.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "WINEPREFIX") if name in os.environ}
    environment = kept | {"DROPBOX_URL": ready["origin"], "WINEDEBUG": "-all", "TZ": "UTC"}
    settings = environment | {"NODE_TOOL_CONFIG": os.environ.get("LOGIN_CONFIG", str(home / "config.toml"))}
    try:
        connect(ready, authorizer, node_tool, environment, settings)
        use(node_tool, settings, home)
        whole_token(ready, authorizer, node_tool, environment, settings)
    finally:
        dropbox.stdin.close()
        dropbox.wait()
        shutil.rmtree(home, ignore_errors=True)


def only_connect(ready, node_tool):
    """As a script would: with a whole token, which is fetched here."""
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    question = {
        "client_id": ready["app_key"],
        "response_type": "code",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        "token_access_type": "offline",
    }
    page = allow(f"{ready['origin']}/oauth2/authorize?{urllib.parse.urlencode(question)}")
    form = {
        "grant_type": "authorization_code",
        "client_id": ready["app_key"],
        "code": page.split("<code id=code>")[1].split("<")[0],
        "code_verifier": verifier,
    }
    with urllib.request.urlopen(f"{ready['origin']}/oauth2/token", urllib.parse.urlencode(form).encode()) as answer:
        token = json.load(answer)
    token["expiry"] = "2099-01-01T00:00:00Z"
    create = [*node_tool, "config", "create", "dbx", "--token-stdin", "--app-key", ready["app_key"]]
    subprocess.run(create, input=json.dumps(token), text=True, check=True, timeout=60, stdout=subprocess.DEVNULL)


def connect(ready, authorizer, node_tool, environment, settings):
    """The one-time grant: node-tool's challenge goes to the authorizer, its grant comes back."""
    asking = [*node_tool, "config", "create", "dbx", "--pairing", "--app-key", ready["app_key"]]
    node = subprocess.Popen(asking, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=settings, text=True)
    word, app_key, challenge = node.stdout.readline().split()
    print("node-tool asks:", word, app_key, challenge)
    grant = answer([*authorizer, app_key, challenge, "--no-browser"], environment)
    print("the authorizer answers with a grant of", len(grant), "bytes")
    node.communicate(decode(grant) + "\n", timeout=60)
    expect(node.returncode == 0, "node-tool refused the grant")


def whole_token(ready, authorizer, node_tool, environment, settings):
    """The other grant: a whole token, which the authorizer fetches itself."""
    grant = answer([*authorizer, ready["app_key"], "--no-browser"], environment)
    create = [*node_tool, "config", "create", "other", "--token-stdin"]
    subprocess.run(create, input=decode(grant), env=settings, text=True, check=True, timeout=60, stdout=subprocess.DEVNULL)
    print("a whole token, fetched by the authorizer, connects as well")


def answer(command, environment):
    """Runs the authorizer and presses Allow."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    consent = None
    for line in process.stderr:
        words = decode(line).split()
        consent = next((word for word in words if "/oauth2/authorize?" in word), consent)
        if "Waiting" in words and consent:
            break
    expect(consent, "the authorizer printed no address")
    allow(consent)
    out, err = process.communicate(timeout=120)
    expect(process.returncode == 0, decode(err))
    return out


def allow(consent):
    """Presses Allow on a consent page, and returns the page that follows."""
    form = urllib.parse.urlencode({"request": urllib.parse.urlsplit(consent).query, "decision": "allow"})
    target = urllib.parse.urljoin(consent, "/oauth2/authorize")
    with urllib.request.urlopen(target, form.encode(), timeout=60) as page:
        expect(page.status == 200, "the browser ended at an error")
        return page.read().decode()


def decode(bytes):
    """A console's text, whichever end of line and encoding it has."""
    return bytes.decode("utf-8", errors="replace").strip()


def use(node_tool, settings, home):
    """Up, a listing, and down again."""
    here = pathlib.Path(os.environ.get("LOGIN_FILES", str(home / "files")))
    seen = os.environ.get("LOGIN_FILES_INSIDE", str(here))
    (here / "up" / "deep").mkdir(parents=True)
    for number in range(20):
        (here / "up" / "deep" / f"{number}.txt").write_text("line\n" * number * 100)
    (here / "up" / "big.bin").write_bytes(os.urandom(9 << 20))
    for command in (["copy", f"{seen}/up", "dbx:up"], ["copy", "dbx:up", f"{seen}/down"], ["check", f"{seen}/up", "dbx:up"]):
        subprocess.run([*node_tool, *command], env=settings, check=True, timeout=300, stderr=subprocess.DEVNULL)
    listed = subprocess.run([*node_tool, "ls", "dbx:"], env=settings, check=True, timeout=60, stdout=subprocess.PIPE, text=True)
    expect(listed.stdout.count("\n") == 21, "not all files are listed")
    expect(subprocess.run(["diff", "-r", here / "up", here / "down"]).returncode == 0, "what came back differs")
    print("21 files went up, came back, and are the same")


def expect(condition, otherwise):
    if not condition:
        sys.exit(f"login.py: {otherwise}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--only-connect"] and len(sys.argv) > 3:
        only_connect(json.loads(pathlib.Path(sys.argv[2]).read_text()), sys.argv[3:])
        sys.exit()
    if "--" not in sys.argv or len(sys.argv) < 5:
        sys.exit(__doc__)
    at = sys.argv.index("--")
    main(sys.argv[1], sys.argv[2:at], sys.argv[at + 1 :])
