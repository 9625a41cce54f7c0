"""The sandbox's tables of arguments beside the validators of the official SDK: every field, default, pattern and bound."""

import importlib
import json
import os
import subprocess
import unittest

from stone.backends.python_rsrc import stone_validators as bv

import dropbox.common

# Where the spec (dropbox-api-spec, August 2026) is newer than the SDK, the spec is right.
NEWER = {
    "files/upload_session/append_batch.entries": "the spec allows 1000 entries, the SDK 500",
    "sharing/create_shared_link_with_settings.settings.audience": "the spec has dropped public_logged_in_only",
}


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dump = json.loads(subprocess.check_output([os.environ["SANDBOX_BIN"], "--dump-schema"], text=True))

    def route(self, name):
        space, _, path = name.partition("/")
        module = importlib.import_module("dropbox." + {"async": "async_"}.get(space, space))
        base, _, version = path.rpartition("_v")
        wanted = (base, int(version)) if base and version.isdigit() else (path, 1)
        for route in module.ROUTES.values():
            if (route.name, route.version) == wanted:
                return route
        self.fail(f"the SDK has no route {name}")

    def test_every_route_is_as_the_sdk_knows_it(self):
        self.seen = set()
        for name, ours in self.dump["routes"].items():
            with self.subTest(route=name):
                route = self.route(name)
                self.assertEqual(ours["host"], route.attrs.get("host") or "api")
                self.assertEqual(ours["style"], route.attrs.get("style") or "rpc")
                self.same(ours["arg"], route.arg_type, name)

    def test_the_path_root_header(self):
        self.seen = set()
        self.same({"type": "Union", "name": "PathRoot"}, dropbox.common.PathRoot_validator, "path root")

    def same(self, ours, theirs, where):
        if isinstance(theirs, bv.Void):
            return self.assertEqual(ours, "Void", where)
        if isinstance(theirs, bv.Boolean):
            return self.assertEqual(ours, "Boolean", where)
        if isinstance(theirs, bv.Timestamp):
            return self.assertEqual(ours, "Timestamp", where)
        if isinstance(theirs, bv.String):
            limits = {"pattern": theirs.pattern, "min_length": theirs.min_length, "max_length": theirs.max_length}
            return self.assertEqual(ours, {"type": "String", **limits}, where)
        if isinstance(theirs, bv.Integer):
            self.assertEqual(ours["type"], type(theirs).__name__, where)
            return self.assertEqual((ours["min"], ours["max"]), (theirs.minimum, theirs.maximum), where)
        if isinstance(theirs, bv.List):
            if where not in NEWER:
                self.assertEqual((ours["min_items"], ours["max_items"]), (theirs.min_items, theirs.max_items), where)
            return self.same(ours["of"], theirs.item_validator, f"{where}[]")
        if isinstance(theirs, bv.Struct):
            return self.struct(ours, theirs, where)
        if isinstance(theirs, bv.Union):
            return self.union(ours, theirs, where)
        self.fail(f"{where}: {theirs}")

    def first_time(self, name):
        fresh = name not in self.seen
        self.seen.add(name)
        return fresh

    def struct(self, ours, theirs, where):
        self.assertEqual((ours["type"], ours["name"]), ("Struct", theirs.definition.__name__), where)
        if not self.first_time(ours["name"]):
            return
        fields = {field["name"]: field for field in self.dump["types"][ours["name"]]["fields"]}
        known = dict(theirs.definition._all_fields_)
        self.assertEqual(sorted(fields), sorted(known), where)
        for name, validator in known.items():
            place, field = f"{where}.{name}", fields[name]
            if isinstance(validator, bv.Nullable):
                self.assertEqual(field["need"], "nullable", place)
                validator = validator.validator
            else:
                attribute = vars_of(theirs.definition, name)
                self.assertEqual(field["need"], "default" if attribute.default is not bv_no_default() else "required", place)
            self.same(field["of"], validator, place)

    def union(self, ours, theirs, where):
        self.assertEqual((ours["type"], ours["name"]), ("Union", theirs.definition.__name__), where)
        if not self.first_time(ours["name"]):
            return
        tags = {tag["tag"]: tag["of"] for tag in self.dump["types"][ours["name"]]["tags"]}
        known = {tag: validator for tag, validator in theirs.definition._tagmap.items() if tag != "other"}
        if where in NEWER:
            known = {tag: validator for tag, validator in known.items() if tag in tags}
        self.assertEqual(sorted(tags), sorted(known), where)
        for tag, validator in known.items():
            if isinstance(validator, bv.Void):
                self.assertIsNone(tags[tag], f"{where}.{tag}")
            else:
                self.same(tags[tag], validator, f"{where}.{tag}")


def vars_of(definition, name):
    for parent in definition.__mro__:
        if name in vars(parent):
            return vars(parent)[name]
    raise AssertionError(f"{definition} has no {name}")


def bv_no_default():
    from stone.backends.python_rsrc import stone_base

    return stone_base.NO_DEFAULT
