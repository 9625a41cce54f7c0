"""An outline of a storage plugin for Snakemake 8 and newer: each query is what node-tool takes, such as `dbx:project/a.csv`.

To be a package of its own, it only needs a pyproject.toml; until then PYTHONPATH does.
"""

import datetime
import json
import subprocess

from snakemake_interface_storage_plugins.io import IOCacheStorageInterface, Mtime
from snakemake_interface_storage_plugins.storage_object import StorageObjectGlob, StorageObjectRead, StorageObjectWrite
from snakemake_interface_storage_plugins.storage_provider import (
    ExampleQuery,
    QueryType,
    StorageProviderBase,
    StorageQueryValidationResult,
)

# node-tool's exit codes for a file or folder that isn't there.
NOT_FOUND = (3, 4)


def node_tool(*words):
    """Runs node-tool and returns what it prints."""
    return subprocess.run(["node-tool", *words], check=True, stdout=subprocess.PIPE, text=True).stdout


class StorageProvider(StorageProviderBase):
    @classmethod
    def example_queries(cls):
        return [ExampleQuery("dbx:project/a.csv", "a file in the Dropbox that was connected as dbx", QueryType.ANY)]

    def rate_limiter_key(self, query, operation):
        return query.split(":")[0]

    def default_max_requests_per_second(self):
        return 10.0

    def use_rate_limiter(self):
        return False  # node-tool waits as long as Dropbox asks

    @classmethod
    def is_valid_query(cls, query):
        name, colon, path = query.partition(":")
        valid = bool(name and colon and path) and "/" not in name
        return StorageQueryValidationResult(query, valid, None if valid else "it must be NAME:path")


class StorageObject(StorageObjectRead, StorageObjectWrite, StorageObjectGlob):
    def __post_init__(self):
        self.known = None

    def stat(self):
        """The entry as `lsjson --stat` prints it; None if it isn't there. Asked for once."""
        if self.known is None:
            try:
                self.known = json.loads(node_tool("lsjson", "--stat", self.query))
            except subprocess.CalledProcessError as error:
                if error.returncode not in NOT_FOUND:
                    raise
        return self.known

    async def inventory(self, cache: IOCacheStorageInterface):
        """One listing answers for all files of the same folder."""
        parent = self.get_inventory_parent()
        if parent is None or parent in cache.exists_in_storage:
            return
        try:
            entries = json.loads(node_tool("lsjson", "--files-only", parent))
        except subprocess.CalledProcessError as error:
            if error.returncode not in NOT_FOUND:
                raise
            entries = []
        cache.exists_in_storage[parent] = True
        for entry in entries:
            key = self.cache_key(local_suffix(f"{parent}/{entry['Name']}"))
            cache.mtime[key] = Mtime(storage=timestamp(entry))
            cache.size[key] = entry["Size"]
            cache.exists_in_storage[key] = True

    def get_inventory_parent(self):
        folder, slash, _ = self.query.rpartition("/")
        return folder if slash else None

    def local_suffix(self):
        return local_suffix(self.query)

    def cleanup(self):
        pass

    def exists(self):
        return self.stat() is not None

    def mtime(self):
        return timestamp(self.stat())

    def size(self):
        return max(self.stat()["Size"], 0)

    def retrieve_object(self):
        verb = "copy" if self.stat()["IsDir"] else "copyto"
        node_tool(verb, self.query, str(self.local_path()))

    def store_object(self):
        path = self.local_path()
        node_tool("copy" if path.is_dir() else "copyto", str(path), self.query)
        self.known = None

    def remove(self):
        node_tool("purge" if self.stat()["IsDir"] else "deletefile", self.query)
        self.known = None

    def list_candidate_matches(self):
        constant = self.query.split("{")[0].rpartition("/")[0]
        listed = node_tool("lsf", "-R", "--files-only", constant)
        return [f"{constant}/{line}" for line in listed.splitlines()]


def local_suffix(query):
    return query.replace(":", "/", 1)


def timestamp(entry):
    # Python 3.10 and older know no nanoseconds and no Z.
    seconds = entry["ModTime"].removesuffix("Z")[:19]
    return datetime.datetime.fromisoformat(seconds).replace(tzinfo=datetime.timezone.utc).timestamp()
