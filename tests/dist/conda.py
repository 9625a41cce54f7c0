"""Tries the conda recipe with rattler-build: conda.py RECIPE PREFIX WORK

The recipe is rendered as it stands. What it asks for to compile is on no registry that can be reached from everywhere, so that a package is
built from the programs below PREFIX instead, by the rest of the recipe.
"""

import pathlib
import re
import sys

from rattler_build import Package, Stage0Recipe, VariantConfig

# What conda-forge says about its compilers.
VARIANTS = 'c_compiler: [gcc]\nrust_compiler: [rust]\nc_stdlib: [sysroot]\nc_stdlib_version: ["2.17"]\n'


def main() -> None:
    recipe, prefix, work = map(pathlib.Path, sys.argv[1:])
    text = recipe.read_text()
    (rendered,) = Stage0Recipe.from_yaml(text).render(VariantConfig.from_yaml(VARIANTS))
    text = with_section(text, "source", f"source:\n  path: {prefix}\n")
    text = with_section(text, "build", "build:\n  number: 0\n  script:\n    - cp -r bin share $PREFIX/\n")
    text = with_section(text, "requirements", "")
    text = re.sub(r"  license_file:\n(    - .*\n)+", "", text)
    (work / "recipe.yaml").write_text(text)
    (variant,) = Stage0Recipe.from_file(work / "recipe.yaml").render(VariantConfig())
    variant.run_build(output_dir=work / "packages", channels=[])
    (file,) = (work / "packages").rglob("*.conda")
    package = Package.from_file(file)
    names = {str(name) for name in package.files}
    missing = {"bin/node-tool", "bin/authorizer"} - names
    if missing:
        sys.exit(f"the conda package lacks {missing}")
    print(f"conda: {rendered.recipe.package.name} {package.version} rendered; {len(names)} files in a package of {package.license}")


def with_section(text: str, name: str, new: str) -> str:
    """The recipe with another section of this name."""
    text, count = re.subn(rf"^{name}:\n(?:(?:[ ].*)?\n)+", new, text, flags=re.M)
    if count != 1:
        sys.exit(f"the conda recipe has {count} sections '{name}'")
    return text


main()
