"""The site that `pressroom demo --existing` begins with: as a person might have written it.

Its front matter is what people write: comments, quotes of both kinds, nested keys, TOML, none.
"""

from __future__ import annotations

from collections.abc import Mapping

PAGE = "posts/2024/sourdough"
"""The page that is redrafted."""
BEFORE = "We bake it on Fridays. You can order it until Thursday noon, by phone or at the counter."
AFTER = "We bake it every Friday. Order by Thursday noon, at the counter or by phone."

_POST = f"""\
---
# Kept on the home page until the book is out.
title: 'Our sourdough, from the start'
date: 2024-03-08
weight:   3
aliases: ["/sourdough/", '/bread/sourdough']
cover:
  image: "loaf.svg"
  alt: A loaf, cut open
---

The starter came from *Marta's* grandmother, in a jam jar wrapped in newspaper.

{BEFORE}

{{{{< note "Bring a bag" >}}}}
Paper keeps the crust; plastic does not.
{{{{< /note >}}}}

## What is in it

| flour  | water | salt |
|--------|:-----:|-----:|
| rye    | warm  | a pinch |

- flour from [the mill][mill]
- nothing else

[mill]: https://mill.example  "Down the river"
"""

_TOML = """\
+++
title = "Opening hours"
aliases = ["/when/"]
[params]
  sidebar = false   # looks better without
+++
Tuesday to Saturday, from dawn until the shelves are empty.
"""

FILES: Mapping[str, str] = {
    "hugo.toml": 'baseURL = "https://bakery.example/"\ntitle = "Corner Bakery"\n'
    'languageCode = "en"\n',
    "layouts/_default/single.html": "<h1>{{ .Title }}</h1>\n{{ .Content }}\n",
    "layouts/_default/list.html": "{{ .Content }}\n{{ range .Pages }}{{ .Title }}{{ end }}\n",
    "layouts/shortcodes/note.html": "<aside><b>{{ .Get 0 }}</b>{{ .Inner }}</aside>\n",
    "content/_index.md": "---\ntitle: Corner Bakery\nlayout: home\n---\n",
    "content/about/_index.md": '---\ntitle: "Who we are: three bakers"\n---\n\nWe are three, and '
    "a cat.\n",
    "content/about/team/marta.md": "---\ntitle: Marta\ndraft: true\n---\n\nMarta bakes.  \n"
    "She also sings.\n",
    "content/about/opening-hours.md": _TOML,
    "content/recipes/rye.md": "Rye bread takes patience. There is no front matter here.\n",
    # Written on Windows, and left like that.
    "content/recipes/Grandma's Rolls.md": "---\r\ntitle: Rolls\r\n---\r\n\r\nWarm milk, "
    "then butter.\r\n",
    f"content/{PAGE}/index.md": _POST,
    f"content/{PAGE}/loaf.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
}
"""By path, the text of each file."""
