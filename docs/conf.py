"""Sphinx configuration: `sphinx-build -W docs docs/_build/html`. The build needs no network."""

import importlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before the gallery imports TensorFlow

import keras  # noqa: E402
from inventories import write_inventories  # noqa: E402
from sphinx.errors import ExtensionError  # noqa: E402

import keras_lvseg  # noqa: E402

project = "keras-lvseg"
author = "The keras-lvseg authors"
copyright = f"2026, {author}"
version = release = keras_lvseg.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_templates"]
nitpicky = True
default_role = "literal"  # a word between single backticks in a docstring is code
suppress_warnings = ["config.cache"]  # the gallery is configured by a function
templates_path = ["_templates"]

# Pages ---------------------------------------------------------------------------------------------------------------
html_theme = "furo"
html_title = "keras-lvseg"
html_static_path = ["_static"]
html_css_files = ["keras_lvseg.css"]
html_theme_options = {"navigation_with_keys": True}
html_copy_source = False
html_show_sourcelink = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"

# Public names --------------------------------------------------------------------------------------------------------
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}  # its own page, in place of all that it stands for
maximum_signature_line_length = 90
nitpick_ignore = [  # names of modules that are imported for type checkers alone, and of a fixed set of texts
    ("py:class", name)
    for name in ("ArrayLike", "Client", "DiceCoefficient", "FigureBase", "SAXPyDataset", "Size", "np.ndarray")
]
nitpick_ignore_regex = [("py:class", r".*Literal\[.*"), ("py:class", r"keras_lvseg\..*\.(Inputs|Pixels)")]
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

_BASES = {
    getattr(module, name): f":py:class:`{module.__name__}.{name}`"
    for module, name in (
        (keras.initializers, "Initializer"),
        (keras.layers, "Layer"),
        (keras.losses, "Loss"),
        (keras.metrics, "Metric"),
        (keras.utils, "PyDataset"),
    )
}


def _name_alias(app, what, name, obj, options, signature, returns):
    # Within another type, Sphinx writes the alias's object.
    pattern = re.compile(r"TypeAliasForwardRef\('(\w+)'\)")
    return tuple(text and pattern.sub(r"\1", text) for text in (signature, returns))


def _name_public_bases(app, name, obj, options, bases):
    # Keras' classes say that they live in keras.src; bases that are no public name are passed over.
    bases[:] = [next((_BASES[known] for known in base.__mro__ if known in _BASES), base) for base in bases]


# Others' names: their projects' pages, by the lists in `inventories/`, since a build must not need the network ------
intersphinx_mapping = {
    name: (address, str(path))
    for name, address, path in write_inventories(DOCS / "inventories", Path(tempfile.mkdtemp()))
}

# Examples ------------------------------------------------------------------------------------------------------------
_FIGURES = tempfile.mkdtemp()  # the pictures that a reader who runs an example by hand gets


def _arguments(_, script_vars):
    name = Path(script_vars["src_file"]).stem
    return ["--figure", str(Path(_FIGURES) / f"{name}.png")]


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "reset_argv": _arguments,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
}

# Every public name has a page ----------------------------------------------------------------------------------------
PUBLIC = (
    "keras_lvseg",
    *(
        f"keras_lvseg.{folder.name}"
        for folder in (DOCS.parent / "keras_lvseg").iterdir()
        if (folder / "__init__.py").is_file() and folder.name != "ops"
    ),
)


def _check_pages(app, env):
    public = {f"{module}.{name}": module for module in PUBLIC for name in importlib.import_module(module).__all__}
    values = {name: getattr(sys.modules[module], name.rpartition(".")[2]) for name, module in public.items()}
    documented = [value for name, value in values.items() if name in env.domaindata["py"]["objects"]]
    missing = [name for name, value in values.items() if not any(value is other for other in documented)]
    if missing:
        raise ExtensionError(f"public names without a page in docs/api: {', '.join(missing)}")


# The commands and their options, as they describe themselves --------------------------------------------------------
def _write_commands(app):
    page = DOCS / "api" / "generated" / "command_line.md"
    page.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "typer", "keras_lvseg_cli.app", "utils", "docs", "--name", "keras-lvseg"]
    text = subprocess.run([*command, "--title", "Command line"], check=True, capture_output=True, text=True).stdout
    page.write_text(text.replace("**Usage**:\n\n", "").replace("`<", "`").replace(">`", "`"), encoding="utf-8")


def setup(app):
    app.connect("autodoc-process-signature", _name_alias)
    app.connect("autodoc-process-bases", _name_public_bases)
    app.connect("builder-inited", _write_commands)
    app.connect("env-check-consistency", _check_pages)
