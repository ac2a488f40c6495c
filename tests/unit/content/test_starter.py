"""The starter site: made without overwriting anything, sound, and sayable from its facts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcp_server.config import Settings, open_workspace
from mcp_server.content.drafting.composer import compose
from mcp_server.content.site import Site
from mcp_server.content.text.fields import problems
from mcp_server.content.text.markdown import parse, render, round_trip_problem
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.content.workspace.starter import FileInTheWay, init_workspace
from mcp_server.errors import Unavailable


def starter(folder: Path) -> Site:
    """Make the starter site in `folder` and return it."""
    init_workspace(folder)
    loader = SiteLoader(open_workspace(folder, {}))
    site = loader.load()
    assert loader.warnings == ()
    return site


def files_in(folder: Path) -> set[str]:
    """Return the files below `folder`."""
    return {f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()}


def test_init_writes_the_files_it_names(tmp_path: Path) -> None:
    """Into a folder that is made for it."""
    folder = tmp_path / "new" / "site"
    written = init_workspace(folder)
    assert {path.relative_to(folder).as_posix() for path in written} == files_in(folder)
    assert {"pressroom.toml", "pressroom/site.yaml", "pressroom/README.md"} <= files_in(folder)


def test_the_site_is_a_believable_one(tmp_path: Path) -> None:
    """Seven pages, twenty-two sections, one of them static, and every template is used."""
    site = starter(tmp_path)
    sections = list(site.sections())
    assert (len(site.pages), len(sections)) == (7, 22)
    assert [s.entity_id for s in sections if s.text is not None] == ["legal/imprint"]
    assert {s.template for s in sections if s.template} == set(site.templates)
    assert len(site.templates) == 9
    assert {"hours", "people", "address", "phone"} <= set(site.facts)


def test_every_section_can_be_written_from_the_facts(tmp_path: Path) -> None:
    """Without a model, within the template's bounds, and read back exactly."""
    site = starter(tmp_path)
    for section in (s for s in site.sections() if s.template):
        template = site.templates[section.template or ""]
        fields = compose(site, section, template)
        assert problems(template, fields) == []
        assert round_trip_problem(template, fields) is None
        assert parse(template, render(template, fields)) == fields


def test_opening_hours_and_prices_stay_as_they_are_written(tmp_path: Path) -> None:
    """`7:00` is no number of minutes."""
    site = starter(tmp_path)
    assert site.facts["hours"][1] == {"days": "Tuesday to Friday", "times": "7:00–17:30"}
    menu = site.section("menu/breakfast")
    assert menu is not None
    assert menu.facts["items"][0]["price"] == "£6.50"


def test_links_inside_the_site_lead_to_pages(tmp_path: Path) -> None:
    """No button of the starter site leads nowhere."""
    site = starter(tmp_path)
    links = [s.facts["link"] for s in site.sections() if "link" in s.facts]
    assert all(site.page(link[1:]) for link in links if link.startswith("/"))


def test_every_setting_is_explained_with_its_default(tmp_path: Path) -> None:
    """The commented lines of pressroom.toml are what holds without them."""
    init_workspace(tmp_path)
    nobodys = tmp_path / "nobodys.toml"
    file = tmp_path / "pressroom.toml"
    text = file.read_text(encoding="utf-8")
    shown = re.findall(r"^# ([a-z_]+) = ", text, re.MULTILINE)
    assert sorted(shown) == sorted(Settings.model_fields)
    assert open_workspace(tmp_path, {}, user_file=nobodys).settings == Settings()
    uncommented = re.sub(r"^# (?!model_url)([a-z_]+ = )", r"\1", text, flags=re.MULTILINE)
    file.write_text(uncommented, encoding="utf-8")
    assert open_workspace(tmp_path, {}, user_file=nobodys).settings == Settings()


@pytest.mark.parametrize("there", ["pressroom.toml", "pressroom/site.yaml"])
def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path, there: str) -> None:
    """One clear line, and nothing else is written either."""
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine", encoding="utf-8")
    with pytest.raises(FileInTheWay, match=r"exists already and nothing is overwritten"):
        init_workspace(tmp_path)
    assert files_in(tmp_path) == {there}
    assert (tmp_path / there).read_text(encoding="utf-8") == "mine"


def test_a_broken_link_counts_as_a_file(tmp_path: Path) -> None:
    """Writing through it would make a file somewhere else."""
    (tmp_path / "pressroom.toml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileInTheWay):
        init_workspace(tmp_path)


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    """A site may be made inside of an existing project."""
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    init_workspace(tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "mine"


def test_what_was_written_goes_again_if_something_fails(tmp_path: Path) -> None:
    """Here the folder for templates cannot be made, as a file has its name."""
    (tmp_path / "pressroom").mkdir()
    (tmp_path / "pressroom" / "templates").write_text("mine", encoding="utf-8")
    with pytest.raises(Unavailable, match="choose a folder you may write to"):
        init_workspace(tmp_path)
    assert files_in(tmp_path) == {"pressroom/templates"}


def test_a_file_in_place_of_the_folder_is_one_clear_line(tmp_path: Path) -> None:
    """No traceback."""
    (tmp_path / "site").write_text("mine", encoding="utf-8")
    with pytest.raises(Unavailable, match="A workspace cannot be made in"):
        init_workspace(tmp_path / "site")
