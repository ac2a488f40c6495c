"""What stands around the pages of a site: configuration, layouts, noise; and where pages lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NOISE: Mapping[str, str] = {
    "README.md": "# The site\n\nRun `make` and look at port 4000.\n",
    "LICENSE.md": "Texts: CC BY 4.0.\n",
    "CONTRIBUTING.md": "# Contributing\n\nOpen a ticket first.\n",
    ".gitignore": "node_modules/\n_site/\npublic/\n",
    ".github/ISSUE_TEMPLATE/bug.md": "---\nname: Bug\nabout: Something is wrong\n---\n\nWhat?\n",
}
NODE: Mapping[str, str] = {
    "node_modules/left-pad/README.md": "# left-pad\n\nPads.\n",
    "node_modules/left-pad/docs/guide.md": "# Guide\n\nPad.\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One generator's site, without its pages."""

    generator: str
    content: str
    places: Mapping[str, str]
    """Where a page lies: `dated`, `page`, `flat`, and the same of other languages (`foreign`)."""
    folders: tuple[str, ...]
    inner: tuple[str, ...] = ("basics", "2024", "How-To", "advanced", "v1.2")
    files: Mapping[str, str | bytes] = field(default_factory=dict[str, str | bytes])
    images: tuple[str, ...] = ()
    journal: bool = True
    language: str = "en"
    always_foreign: bool = False
    """Whether the main language has a folder, too."""


HUGO = Frame(
    generator="hugo",
    content="content",
    places={
        "dated": "content/{language}posts/{day}-{stem}",
        "page": "content/{language}{folder}/{inner}{stem}",
        "flat": "content/{language}{stem}",
    },
    folders=("posts", "docs", "notes"),
    always_foreign=True,
    images=("static/img/harbour.png",),
    files={
        **NOISE,
        "hugo.toml": (
            'baseURL = "https://example.org/"\ntitle = "Harbour Bicycles"\n'
            'defaultContentLanguage = "en"\ndisableKinds = ["taxonomy", "term"]\n\n'
            "[markup.goldmark.renderer]\nunsafe = true\n\n[security]\nallowContent = ['.*']\n\n"
            + "".join(
                f"[languages.{code}]\nlanguageName = '{name}'\n"
                f'contentDir = "content/{code}"\nweight = {weight}\n\n'
                for weight, (code, name) in enumerate(
                    {"en": "English", "de": "Deutsch", "fr": "Français", "zh-cn": "中文"}.items(), 1
                )
            )
        ),
        "archetypes/default.md": "---\ntitle: '{{ .Name }}'\ndraft: true\n---\n",
        "layouts/_default/single.html": "<h1>{{ .Title }}</h1>\n{{ .Content }}\n",
        "layouts/_default/list.html": (
            "<h1>{{ .Title }}</h1>\n{{ .Content }}\n"
            "{{ range .Pages }}<a href='{{ .RelPermalink }}'>{{ .Title }}</a>{{ end }}\n"
        ),
        "layouts/shortcodes/notice.html": "<div class='{{ .Get 0 }}'>{{ .Inner }}</div>",
        "layouts/shortcodes/photo.html": "<img src='{{ .Get `src` }}' alt='{{ .Get `title` }}'>",
        "layouts/shortcodes/tabs.html": "<div class='tabs'>{{ .Inner }}</div>",
        "layouts/shortcodes/tab.html": "<div>{{ .Inner }}</div>",
        "layouts/shortcodes/snippet.html": (
            "<pre>{{ readFile (printf `snippets/%s` (.Get `file`)) }}</pre>"
        ),
        "snippets/plan.txt": "keep: 7\n",
        "themes/harbour/README.md": "# Harbour\n\nA theme.\n",
        "themes/harbour/exampleSite/content/posts/hello.md": "---\ntitle: Hello\n---\n\nHello.\n",
        "public/index.html": "<h1>Built</h1>\n",
    },
)
JEKYLL = Frame(
    generator="jekyll",
    content="",
    places={
        "dated": "{language}_posts/{day}-{stem}",
        "page": "{language}{folder}/{inner}{stem}",
        "flat": "{stem}",
    },
    folders=("guides", "workshop", "about"),
    inner=("basics", "How-To", "Wheels", "v1.2"),
    images=("img/harbour.png",),
    files={
        **NOISE,
        "_config.yml": (
            "title: Harbour Bicycles\nlang: en\ndescription: >-\n  A workshop by the canal.\n"
            "markdown: kramdown\nexclude:\n  - vendor\n  - Gemfile\ndefaults:\n  - scope:\n"
            '      path: ""\n    values:\n      layout: page\n'
        ),
        "Gemfile": 'source "https://rubygems.org"\ngem "jekyll"\n',
        "_layouts/page.html": "<h1>{{ page.title }}</h1>\n{{ content }}\n",
        "_layouts/post.html": "<h1>{{ page.title }}</h1>\n{{ content }}\n",
        "_includes/note.html": "<p class='note'>{{ include.text }}</p>\n",
        "_drafts/some-day.md": "---\ntitle: Some day\n---\n\nNot yet.\n",
        "index.html": "---\nlayout: page\ntitle: Home\n---\n<p>{{ site.title }}</p>\n",
        "_site/index.html": "<p>Built</p>\n",
        "vendor/bundle/some/README.md": "# A gem\n",
        "vendor/bundle/some/docs/gem.md": "# A gem\n",
    },
)
ELEVENTY = Frame(
    generator="eleventy",
    content="src",
    places={
        "dated": "src/{language}blog/{day}-{stem}",
        "page": "src/{language}{folder}/{inner}{stem}",
        "flat": "src/{stem}",
    },
    folders=("blog", "workshop", "notes"),
    images=("src/img/harbour.png",),
    files={
        **NOISE,
        **NODE,
        "package.json": (
            '{"name": "harbour", "private": true, "scripts": {"build": "eleventy"},\n'
            ' "devDependencies": {"@11ty/eleventy": "^3.0.0"}}\n'
        ),
        "eleventy.config.js": (
            'module.exports = function (config) {\n  config.addPassthroughCopy("src/img");\n'
            '  return { dir: { input: "src", output: "_site" } };\n};\n'
        ),
        "src/_data/site.json": '{"title": "Harbour Bicycles", "language": "en"}\n',
        "src/_includes/post.njk": "<h1>{{ title }}</h1>\n{{ content | safe }}\n",
        "src/_includes/partials/note.md": "A note.\n",
        "_site/index.html": "<p>Built</p>\n",
    },
)
PELICAN = Frame(
    generator="pelican",
    content="content",
    places={
        "dated": "content/{language}articles/{day}-{stem}",
        "page": "content/{language}{folder}/{inner}{stem}",
        "flat": "content/{stem}",
    },
    folders=("articles", "workshop", "rides"),
    images=("content/images/harbour.png",),
    files={
        **NOISE,
        "pelicanconf.py": (
            "AUTHOR = 'Rosa Lind'\nSITENAME = 'Harbour Bicycles'\nSITEURL = ''\n\n"
            "PATH = 'content'\nTIMEZONE = 'Europe/Stockholm'\nDEFAULT_LANG = 'en'\n\n"
            "ARTICLE_URL = ARTICLE_SAVE_AS = '{slug}.html'\n"
            "ARTICLE_LANG_URL = ARTICLE_LANG_SAVE_AS = '{slug}.html'\n"
            "DRAFT_URL = DRAFT_SAVE_AS = 'drafts/{slug}.html'\n"
            "DRAFT_LANG_URL = DRAFT_LANG_SAVE_AS = 'drafts/{slug}.html'\n"
            "PATH_METADATA = r'(?P<slug>.*)\\..*'\nARTICLE_PATHS = ['']\nPAGE_PATHS = ['pages']\n"
            "FEED_ALL_ATOM = CATEGORY_FEED_ATOM = TRANSLATION_FEED_ATOM = None\n"
        ),
        "Makefile": "html:\n\tpelican content\n",
        "content/pages/about.md": "Title: About\n\nA workshop by the canal.\n",
        "output/index.html": "<p>Built</p>\n",
    },
)
MKDOCS = Frame(
    generator="mkdocs",
    content="docs",
    places={
        "dated": "docs/{language}notes/{day}-{stem}",
        "page": "docs/{language}{folder}/{inner}{stem}",
        "flat": "docs/{stem}",
    },
    folders=("guide", "reference", "operations"),
    journal=False,
    images=("docs/img/harbour.png",),
    files={
        **NOISE,
        "mkdocs.yml": (
            "site_name: Tidewater\nsite_url: https://example.org/\ndocs_dir: docs\ntheme:\n"
            "  name: mkdocs\n  locale: en\nmarkdown_extensions:\n  - footnotes\n  - toc:\n"
            "      permalink: true\n  - tables\nextra:\n"
            "  parser: !!python/name:markdown.util.AtomicString\n"
        ),
        "docs/index.md": "# Tidewater\n\nCopies that you can rely on.\n",
        "docs/de/index.md": "# Tidewater\n\nKopien, auf die Verlass ist.\n",
        "snippets/plan.md": "A snippet about plans.\n",
        "overrides/README.md": "# Overrides\n",
        "site/index.html": "<p>Built</p>\n",
    },
)
DOCUSAURUS = Frame(
    generator="docusaurus",
    content="",
    places={
        "dated": "blog/{day}-{stem}",
        "page": "docs/{folder}/{inner}{stem}",
        "flat": "src/pages/{stem}",
        "dated foreign": "i18n/{language}docusaurus-plugin-content-blog/{day}-{stem}",
        "page foreign": (
            "i18n/{language}docusaurus-plugin-content-docs/current/{folder}/{inner}{stem}"
        ),
        "flat foreign": "src/pages/{stem}",
    },
    folders=("guide", "reference", "operations"),
    journal=False,
    images=("static/img/harbour.png",),
    files={
        **NOISE,
        **NODE,
        "package.json": (
            '{"name": "tidewater", "private": true,\n "dependencies": {"@docusaurus/core": "3",'
            ' "@docusaurus/preset-classic": "3"}}\n'
        ),
        "docusaurus.config.js": (
            "// @ts-check\nexport default {\n  title: 'Tidewater',\n"
            "  url: 'https://example.org',\n  baseUrl: '/',\n  onBrokenLinks: 'ignore',\n"
            "  onDuplicateRoutes: 'ignore',\n"
            "  markdown: { hooks: { onBrokenMarkdownLinks: 'ignore', "
            "onBrokenMarkdownImages: 'ignore' } },\n"
            "  i18n: { defaultLocale: 'en', locales: ['en', 'de', 'fr', 'zh-cn'] },\n"
            "  presets: [['classic', { blog: { onUntruncatedBlogPosts: 'ignore',\n"
            "    onInlineTags: 'ignore', onInlineAuthors: 'ignore' } }]],\n};\n"
        ),
        "src/components/Card.js": (
            "export default function Card({title, children}) {\n"
            "  return <aside><b>{title}</b>{children}</aside>;\n}\n"
        ),
        "docs/intro.md": "---\nslug: /\n---\n\n# Tidewater\n\nCopies that you can rely on.\n",
        "build/index.html": "<p>Built</p>\n",
    },
)
ASTRO = Frame(
    generator="astro",
    content="src/content",
    places={
        "dated": "src/content/blog/{language}{day}-{stem}",
        "page": "src/content/{folder}/{language}{inner}{stem}",
        "flat": "src/content/{stem}",
    },
    folders=("blog", "notes"),
    images=("public/img/harbour.png",),
    files={
        **NOISE,
        **NODE,
        "package.json": (
            '{"name": "harbour", "private": true, "type": "module",\n'
            ' "dependencies": {"astro": "^7.0.0", "@astrojs/mdx": "^8.0.0"}}\n'
        ),
        "astro.config.mjs": (
            "import { defineConfig } from 'astro/config';\nimport mdx from '@astrojs/mdx';\n\n"
            "export default defineConfig({\n  site: 'https://example.org',\n"
            "  integrations: [mdx()],\n});\n"
        ),
        "src/consts.ts": "export const SITE_TITLE = 'Harbour Bicycles';\n",
        "src/content.config.ts": (
            "import { defineCollection } from 'astro:content';\n"
            "import { glob } from 'astro/loaders';\n\n"
            "const all = defineCollection({\n"
            "  loader: glob({ base: './src/content', pattern: '**/*.{md,mdx}' }),\n});\n\n"
            "export const collections = { all };\n"
        ),
        "src/components/Card.astro": (
            "---\nconst { title } = Astro.props;\n---\n<aside><b>{title}</b><slot /></aside>\n"
        ),
        "src/pages/[...id].astro": (
            "---\nimport { getCollection, render } from 'astro:content';\n"
            "export async function getStaticPaths() {\n"
            "  const pages = await getCollection('all');\n"
            "  return pages.map((page) => ({ params: { id: page.id }, props: { page } }));\n}\n"
            "const { page } = Astro.props;\nconst { Content } = await render(page);\n---\n"
            "<h1>{page.data.title}</h1>\n<Content />\n"
        ),
        "dist/index.html": "<p>Built</p>\n",
    },
)
STARLIGHT = Frame(
    generator="starlight",
    content="src/content/docs",
    places={
        "dated": "src/content/docs/{language}notes/{day}-{stem}",
        "page": "src/content/docs/{language}{folder}/{inner}{stem}",
        "flat": "src/content/docs/{stem}",
    },
    folders=("guides", "reference", "operations"),
    journal=False,
    images=("public/img/harbour.png",),
    files={
        **NOISE,
        **NODE,
        "package.json": (
            '{"name": "tidewater", "private": true, "type": "module",\n'
            ' "dependencies": {"astro": "^7.0.0", "@astrojs/starlight": "^0.42.0"}}\n'
        ),
        "astro.config.mjs": (
            "import { defineConfig } from 'astro/config';\n"
            "import starlight from '@astrojs/starlight';\n\n"
            "export default defineConfig({\n  site: 'https://example.org',\n  integrations: [\n"
            "    starlight({\n      title: 'Tidewater',\n      pagefind: false,\n"
            "      locales: {\n"
            "        root: { label: 'English', lang: 'en' },\n"
            "        de: { label: 'Deutsch' },\n        fr: { label: 'Français' },\n"
            "        'zh-cn': { label: '中文', lang: 'zh-CN' },\n      },\n    }),\n  ],\n});\n"
        ),
        "src/content.config.ts": (
            "import { defineCollection } from 'astro:content';\n"
            "import { docsLoader } from '@astrojs/starlight/loaders';\n"
            "import { docsSchema } from '@astrojs/starlight/schema';\n\n"
            "export const collections = {\n"
            "  docs: defineCollection({ loader: docsLoader(), schema: docsSchema() }),\n};\n"
        ),
        "src/components/Card.astro": (
            "---\nconst { title } = Astro.props;\n---\n<aside><b>{title}</b><slot /></aside>\n"
        ),
        "dist/index.html": "<p>Built</p>\n",
    },
)
VITEPRESS = Frame(
    generator="vitepress",
    content="docs",
    places={
        "dated": "docs/{language}notes/{day}-{stem}",
        "page": "docs/{language}{folder}/{inner}{stem}",
        "flat": "docs/{stem}",
    },
    folders=("guide", "reference", "operations"),
    journal=False,
    images=("docs/public/img/harbour.png",),
    files={
        **NOISE,
        **NODE,
        "package.json": (
            '{"name": "tidewater", "private": true,\n "devDependencies": {"vitepress": "^1.6.0"}}\n'
        ),
        "docs/.vitepress/config.mts": (
            "import { defineConfig } from 'vitepress'\n\nexport default defineConfig({\n"
            '  title: "Tidewater",\n  lang: "en-GB",\n  ignoreDeadLinks: true,\n  locales: {\n'
            "    root: { label: 'English', lang: 'en' },\n"
            "    de: { label: 'Deutsch', lang: 'de' },\n"
            "    fr: { label: 'Français', lang: 'fr' },\n"
            "    'zh-cn': { label: '中文', lang: 'zh-CN' },\n  },\n})\n"
        ),
        "docs/index.md": (
            "---\nlayout: home\nhero:\n  name: Tidewater\n"
            "  text: Copies that you can rely on\n---\n"
        ),
        "docs/snippets/plan.js": "export const plan = { keep: 7 }\n",
        "docs/.vitepress/dist/index.html": "<p>Built</p>\n",
    },
)
FRAMES: Mapping[str, Frame] = {
    frame.generator: frame
    for frame in (
        HUGO, JEKYLL, ELEVENTY, PELICAN, MKDOCS, DOCUSAURUS, ASTRO, STARLIGHT, VITEPRESS,
    )
}  # fmt: skip
