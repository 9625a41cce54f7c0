#!/usr/bin/env python3
"""Writes down what is linked into the programs: the licences of all dependencies, and an SBOM.

    inventory.py licences TRIPLE… > THIRD-PARTY.txt
    inventory.py sbom VERSION TRIPLE… > node-tool.cdx.json

Reads `cargo metadata`, so that it says what cargo builds, and the crates' sources for the texts. Needs nothing but Python's
standard library; the same checkout gives the same bytes.
"""

import json
import os
import pathlib
import subprocess
import sys
import uuid

PROGRAMS = ("node-tool", "authorizer")
TEXTS = ("license", "licence", "copying", "notice", "unlicense", "copyright")


def linked(triple):
    """The packages that `triple`'s programs link, and what each of them needs: build scripts and tests left out."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", triple]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    roots = [id for id in metadata["workspace_members"] if packages[id]["name"] in PROGRAMS]
    needs, todo = {}, list(roots)
    while todo:
        id = todo.pop()
        if id in needs:
            continue
        found = nodes[id]["deps"]
        normal = [dep["pkg"] for dep in found if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        needs[id] = sorted(dep for dep in normal if not is_macro(packages[dep]))
        todo += needs[id]
    return {id: packages[id] for id in needs}, needs


def is_macro(package):
    """Whether a package runs in the compiler only."""
    return all("proc-macro" in target["kind"] or "custom-build" in target["kind"] for target in package["targets"])


def all_linked(triples):
    packages, needs = {}, {}
    for triple in triples:
        more, edges = linked(triple)
        packages.update(more)
        for id, found in edges.items():
            needs[id] = sorted(set(needs.get(id, [])) | set(found))
    return packages, needs


def by_name(packages):
    return sorted(packages.values(), key=lambda package: (package["name"], package["version"]))


def texts(package):
    """The licence texts that a crate's source holds."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = {path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(TEXTS)}
    if package.get("license_file"):
        files.add(folder / package["license_file"])
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in sorted(files) if path.exists()]


def licences(triples):
    """All licences; a text that many crates share stands once, below the names of all of them."""
    packages, _ = all_linked(triples)
    foreign = [package for package in by_name(packages) if package["source"]]
    print("node-tool and authorizer are licensed under MIT or Apache-2.0, as you like. They contain the Rust standard library")
    print("(MIT or Apache-2.0, https://www.rust-lang.org/policies/licenses) and the following crates.\n")
    sharers = {}
    for package in foreign:
        print(f"{package['name']} {package['version']}  {package['license'] or 'see its text'}  {package['repository'] or ''}".rstrip())
        for text in texts(package):
            sharers.setdefault(text, []).append(f"{package['name']} {package['version']}")
    without = [package["name"] for package in foreign if not texts(package)]
    if without:
        print("\nWithout a text of their own, licensed as said above: " + ", ".join(without))
    for text, names in sharers.items():
        print("\n" + "=" * 100 + "\n" + ", ".join(names) + "\n" + "=" * 100 + "\n\n" + text)


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def checksums():
    """SHA-256 of each crate's archive, from Cargo.lock."""
    import tomllib

    with open("Cargo.lock", "rb") as file:
        locked = tomllib.load(file)["package"]
    return {(package["name"], package["version"]): package.get("checksum") for package in locked}


def sbom(version, triples):
    """A CycloneDX 1.5 document."""
    packages, needs = all_linked(triples)
    sums = checksums()

    def component(package):
        entry = {
            "type": "application" if package["name"] in PROGRAMS else "library",
            "bom-ref": reference(package),
            "name": package["name"],
            "version": package["version"],
            "purl": reference(package),
        }
        if package["license"]:
            # Some crates still write "MIT/Apache-2.0"; SPDX has OR.
            entry["licenses"] = [{"expression": " OR ".join(package["license"].split("/"))}]
        if sums.get((package["name"], package["version"])):
            content = sums[(package["name"], package["version"])]
            entry["hashes"] = [{"alg": "SHA-256", "content": content}]
        if package["repository"]:
            entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
        return entry

    whole = {"type": "application", "bom-ref": "release", "name": "node-tool and authorizer", "version": version}
    programs = [package for package in by_name(packages) if package["name"] in PROGRAMS]
    edges = [{"ref": "release", "dependsOn": [reference(package) for package in programs]}]
    for package in by_name(packages):
        below = sorted({reference(packages[id]) for id in needs[package["id"]]})
        edges.append({"ref": reference(package), "dependsOn": below})
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": whole},
        "components": [component(package) for package in by_name(packages)],
        "dependencies": edges,
    }
    if "SOURCE_DATE_EPOCH" in os.environ:
        from datetime import datetime, timezone

        made = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
        document["metadata"]["timestamp"] = made.strftime("%Y-%m-%dT%H:%M:%SZ")
    # The same content has the same number.
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))}"
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["licences", *triples] if triples:
            licences(triples)
        case ["sbom", version, *triples] if triples:
            sbom(version, triples)
        case _:
            sys.exit(__doc__)
