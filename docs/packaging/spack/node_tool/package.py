"""Spack: put this folder below packages/ of a repository of your own (`spack repo create`), then `spack install node-tool`."""

import os

from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class NodeTool(Package):
    """Lists, copies and syncs between Dropbox and a cluster's file system."""

    homepage = "https://example.org/node-tool"
    # The source archive of a release; tests/dist/release writes its checksum here.
    url = "https://example.org/node-tool/releases/node-tool-0.1.0-source.tar.gz"

    license("MIT OR Apache-2.0")
    version("0.1.0", sha256="0000000000000000000000000000000000000000000000000000000000000000")

    depends_on("c", type="build")
    depends_on("rust@1.89:", type="build")

    def install(self, spec, prefix):
        # With vendored sources (`cargo vendor`) the crates come from the archive, and no network is needed.
        vendored = os.path.isdir(join_path(self.stage.source_path, "vendor"))
        offline = ["--offline"] if vendored else []
        cargo = which("cargo", required=True)
        for program in ("node-tool", "authorizer"):
            cargo("install", "--locked", *offline, "--root", prefix, "--path", program)
        self.install_pages(prefix)

    def install_pages(self, prefix):
        pages = join_path(prefix, "share", "man", "man1")
        mkdirp(pages)
        Executable(join_path(prefix.bin, "node-tool"))("man", "--pages", pages)

    def test_version(self):
        """the program starts"""
        Executable(join_path(self.prefix.bin, "node-tool"))("version")
