"""Project rules that need more than grep: house.py modules|topics|definitions|names.

Each prints violations of its rule, one per line, and nothing if there are none.

modules: the modules of core are layered in floors; each uses those of lower floors and of its own, without cycles.
topics: a topic has the same name in every layer: module of core, page, regress files, oracle.
definitions: every definition cited is on docs/definitions.md, and every one on the page is cited.
names: the glue does not name single functions.
"""

import re
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
ROOT = HOUSE / "core" / "src"

FLOORS = [
    ["base"],
    ["stats"],
    ["history"],
    ["function"],
    ["source"],
    # Stored values, with the functions that read them.
    ["activity", "sessions", "funnel", "survival", "experiment"],
    # Topics whose functions fold requests.
    ["assignment", "journey", "predictors", "segments", "stages", "usage", "users"],
    ["catalog"],
]
TOPICS = FLOORS[5] + FLOORS[6]

# Pages and regress files that are no topics.
OTHER_PAGES = ["benchmarks", "conditions", "definitions", "reference", "source", "views"]
OTHER_CASES = ["catalog", "conditions", "functions", "settings", "source", "stored", "told"]


def used(text):
    """The modules that a file names after `crate::`, except in comments and tests."""
    text = re.split(r"\n#\[cfg\([^\n]*test", text)[0]
    text = re.sub(r"//[^\n]*", "", text)
    for match in re.finditer(r"\bcrate::(\{)?(\w+)?", text):
        if not match.group(1):
            yield match.group(2)
            continue
        # The first name of every branch of `crate::{a::b, c::{d, e}}`.
        depth, name = 1, ""
        for letter in text[match.start(1) + 1 :]:
            depth += (letter == "{") - (letter == "}")
            if letter in ",}" and depth <= 1:
                yield re.match(r"\s*(\w*)", name).group(1)
                name = ""
            else:
                name += letter
            if depth == 0:
                break


def dependencies():
    graph = {}
    for path in sorted(ROOT.rglob("*.rs")):
        module = path.relative_to(ROOT).parts[0].removesuffix(".rs")
        if module != "lib":
            graph.setdefault(module, {}).setdefault(path, set()).update(used(path.read_text()))
    names = set(graph)
    return {module: {path: uses & names - {module} for path, uses in files.items()} for module, files in graph.items()}


def circle(graph):
    """The modules of one cycle, or an empty list."""
    done, way = set(), []

    def visit(module):
        if module in way:
            return way[way.index(module) :]
        if module in done:
            return []
        way.append(module)
        for other in sorted(graph[module]):
            if found := visit(other):
                return found
        way.pop()
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := visit(module))), [])


def modules():
    floors = {module: floor for floor, names in enumerate(FLOORS) for module in names}
    graph = dependencies()
    for module in sorted(set(graph) ^ set(floors)):
        yield f"{module}: " + ("stands on no floor" if module in graph else "is no module any more")
    for module, files in graph.items():
        for path, uses in files.items():
            for other in sorted(uses):
                if floors.get(other, 0) > floors.get(module, 0):
                    yield f"{path.relative_to(HOUSE)}: {module} uses {other}, which stands above it"
    if found := circle({module: set().union(*files.values()) for module, files in graph.items()}):
        yield "a circle: " + " -> ".join([*found, found[0]])


def topics():
    pages = {path.stem for path in (HOUSE / "docs").glob("*.md")}
    cases = {path.stem for path in (HOUSE / "tests" / "pg_regress" / "sql").glob("*.sql")}
    oracles = {path.name for path in (HOUSE / "tests" / "oracle").iterdir() if path.is_dir() and path.name[0] != "_"}
    of_topic = {topic: {case for case in cases if case == topic or case.startswith(topic + "_")} for topic in TOPICS}
    for topic in TOPICS:
        if topic not in pages:
            yield f"docs/{topic}.md is missing"
        if not of_topic[topic]:
            yield f"tests/pg_regress/sql/{topic}.sql is missing"
        if topic not in oracles:
            yield f"tests/oracle/{topic} is missing"
    for page in sorted(pages - set(TOPICS) - set(OTHER_PAGES)):
        yield f"docs/{page}.md is the page of no topic"
    for case in sorted(cases - set().union(*of_topic.values()) - set(OTHER_CASES)):
        yield f"tests/pg_regress/sql/{case}.sql belongs to no topic"
    for oracle in sorted(oracles - set(TOPICS) - {"kit"}):
        yield f"tests/oracle/{oracle} belongs to no topic"


def definitions():
    page = "docs/definitions.md"
    listed = {int(number) for number in re.findall(r"(?m)^### D(\d+)\.", (HOUSE / page).read_text())}
    cited = {}
    patterns = ["core/src/**/*.rs", "core/tests/**/*.rs", "src/*.rs", "sql/*.sql", "tests/**/*.py", "docs/*.md", "README.md"]
    for path in sorted(path for pattern in patterns for path in HOUSE.glob(pattern)):
        if path == HOUSE / page:
            continue
        # D84 to D96, D84-D96, D84, D85
        text = re.sub(r"\s*\n\s*(//[/!]|#|--)?\s*", " ", path.read_text())
        for first, last in re.findall(r"\bD(\d{1,3})(?:(?: to |-)D(\d{1,3}))?\b", text):
            for number in range(int(first), int(last or first) + 1):
                cited.setdefault(number, path.relative_to(HOUSE))
    for number in sorted(set(cited) - listed):
        yield f"{cited[number]}: D{number} is not on {page}"
    for number in sorted(listed - set(cited)):
        yield f"{page}: D{number} is cited nowhere"


def names():
    # Values have the names of the aggregates that build them, and an accessor of each value is called users.
    values = {"activity", "sessions", "funnel", "survival", "users"}
    reference = (HOUSE / "docs" / "reference.md").read_text()
    functions = set(re.findall(r"(?m)^### (\w+)$", reference)) - values
    if len(functions) < 50:
        yield f"docs/reference.md has {len(functions)} functions only"
    for path in sorted((HOUSE / "src").glob("*.rs")):
        if path.name == "generated.rs":
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for text in re.findall(r'"(\w+)"', line.split("//")[0]):
                if text in functions:
                    yield f"{path.relative_to(HOUSE)}:{number}: {text}"


def main():
    rules = {rule.__name__: rule for rule in (modules, topics, definitions, names)}
    if len(sys.argv) != 2 or sys.argv[1] not in rules:
        sys.exit(f"usage: house.py {'|'.join(rules)}")
    for offence in rules[sys.argv[1]]():
        print(offence)


if __name__ == "__main__":
    main()
