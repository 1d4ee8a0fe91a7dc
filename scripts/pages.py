"""The pages of docs/ that are derived from tables in the code or from files: see generate.py.

`startifact.options` and `startifact.action.outputs` say what there is of commands, inputs and
outputs, `startifact.permissions` what each command needs, examples/workflows what is on the page of
whole workflows. Pages that are also written by hand have parts between two comments.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from startifact.action.outputs import OUTPUTS
from startifact.definitions import CommandDefinition, OptionDefinition, ValueKind, WayIn
from startifact.options import COMMANDS, TARGETS, commands_of, listed, options_of
from startifact.permissions import KMS_KEY, OPERATIONS, PERMISSIONS, ROLE, Permission, When

PROJECT = Path(__file__).resolve().parent.parent
GENERATED = "<!-- Written by scripts/generate.py. -->"
INPUTS = options_of(WayIn.ACTION)

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "Stage": (
        *("stage-on-tag", "stage-per-platform", "monorepo", "attest", "stage-lambda"),
        *("stage-wheels", "dry-run-on-pull-request"),
    ),
    "Promote, download and deploy": (
        *("promote-on-approval", "download-to-deploy", "deploy-on-approval"),
        *("verify-before-deploy", "deploy-lambda", "deploy-static-site", "install-wheels"),
    ),
    "Every night, every week": ("scheduled-verify", "scheduled-prune"),
}
"""The workflows of examples/workflows, in the order in which somebody would need them."""


def commands_page(_: str) -> str:
    """Return the reference of the command line."""
    commands = [command for command in COMMANDS.values() if WayIn.SHELL in command.ways_in]
    common = [option for option in options_of(WayIn.SHELL) if not option.commands]
    parts = [
        "# Commands\n",
        GENERATED,
        "\n[Command line](../command-line.md) is about how they go together.",
        "`startifact COMMAND --help` shows the same in a terminal.\n",
        *command_table(commands),
        "\n## Options of every command\n",
        "They may stand before or after the command.\n",
        *option_table(common, ""),
    ]
    for command in commands:
        parts += command_section(command)
    return "\n".join(parts) + "\n"


def command_table(commands: Iterable[CommandDefinition]) -> list[str]:
    """Return a table with a line for each of *commands*."""
    rows = [(f"[`{f'{c.name} {c.usage}'.strip()}`](#{c.name})", cell(c.help)) for c in commands]
    return of_names(table(("Command", "What it does"), rows))


def command_section(command: CommandDefinition) -> list[str]:
    """Return the lines of Markdown about *command*."""
    options = [o for o in options_of(WayIn.SHELL, command.name) if o.commands]
    arguments = [argument_of(o, command.name) for o in options if o.is_positional_in(command.name)]
    usage = " ".join(("startifact", command.name, command.usage, *arguments)).strip()
    lines = [f"\n## {command.name}\n", f"`{usage}`\n", command.help]
    if command.details:
        lines.append(f"\n{command.details}")
    if command.target:
        lines.append(f"\n`{command.target}`: {TARGETS[command.target]}")
    if options:
        lines += ["", *option_table(options, command.name)]
    return [*lines, "\n```shell", *command.examples, "```"]


def argument_of(option: OptionDefinition, command: str) -> str:
    """Return how *option* is written that has no name in *command*."""
    metavar = option.metavar_of(command)
    return f"{metavar}..." if option.takes_several_in(command) else metavar


def option_table(options: Iterable[OptionDefinition], command: str) -> list[str]:
    """Return a table of *options*, as a shell gives them to *command*."""
    rows = [
        (option_cell(o, command), default_cell(o), cell(help_in_shell(o, command))) for o in options
    ]
    heads = ("Option", "Default", "What it is")
    if not any(default for _, default, _ in rows):
        return of_names(table((heads[0], heads[2]), [(name, text) for name, _, text in rows]))
    return of_names(table(heads, rows))


def of_names(lines: list[str]) -> list[str]:
    """Return a table whose first column is never broken on the site."""
    return ['<div class="names" markdown>\n', *lines, "\n</div>"]


def option_cell(option: OptionDefinition, command: str) -> str:
    """Return how a shell writes *option* for *command*."""
    if option.is_positional_in(command):
        return f"`{argument_of(option, command)}`"
    value = option.metavar_of(command) or f"{{{','.join(option.values)}}}"
    if option.kind is ValueKind.FLAG:
        value = ""
    return ", ".join(f"`{name} {value}`".replace(" `", "`") for name in option.spellings)


def default_cell(option: OptionDefinition) -> str:
    """Return the default of *option*, which of a flag needs no words."""
    return f"`{option.default}`" if option.default and option.kind is not ValueKind.FLAG else ""


def help_in_shell(option: OptionDefinition, command: str) -> str:
    """Return what a shell says of *option*."""
    return option.help_in_shell or option.help_of(command)


def action_page(text: str) -> str:
    """Return the reference of the action with its tables made anew."""
    inputs = [
        (f"`{o.name}`", f"`{o.default}`" if o.default else "", cell(help_of_input(o)))
        for o in INPUTS
    ]
    outputs = [(f"`{o.name}`", cell(o.help)) for o in OUTPUTS.values()]
    commands = [
        (f"`{name}`", inputs_of(name), cell(COMMANDS[name].help))
        for name in commands_of(WayIn.ACTION)
    ]
    return replaced(
        text,
        {
            "commands": table(("`command`", "Its own inputs", "What it does"), commands),
            "inputs": of_names(table(("Input", "Default", "What it is"), inputs)),
            "outputs": of_names(table(("Output", "What it is"), outputs)),
        },
    )


def inputs_of(command: str) -> str:
    """Return the inputs that *command* has and others lack; those it needs come in bold."""
    own = [o for o in INPUTS if o.used_by(command) and o.commands]
    return ", ".join(f"**`{o.name}`**" if command in o.required_by else f"`{o.name}`" for o in own)


def permissions_page(text: str) -> str:
    """Return the page of permissions with its table made anew."""
    heads = ("Command", "Action", "Resource", "What for")
    return replaced(text, {"permissions": table(heads, map(permission_row, PERMISSIONS))})


def permission_row(permission: Permission) -> tuple[str, ...]:
    """Return the cells of *permission* in the table."""
    names = [name for name in OPERATIONS if name in permission.operations]
    others = [name for name in OPERATIONS if name not in names]
    if len(others) < 4:
        commands = f"all but {listed([as_command(name) for name in others], 'and')}"
    else:
        commands = ", ".join(map(as_command, names))
    if permission.when is When.TO_ROLE:
        commands = "copy `--to-role`"
    elif permission.when is not When.ALWAYS:
        commands += f"; {permission.when}"
    reason = f"**Denied:** {permission.reason}" if permission.is_denial else permission.reason
    return (
        commands,
        ", ".join(f"`{action}`" for action in permission.actions),
        listed([shortened(resource) for resource in permission.resources], "and"),
        cell(reason),
    )


def as_command(operation: str) -> str:
    """Return how the table writes *operation*."""
    return re.sub(r"(--\S+)", r"`\1`", OPERATIONS[operation])


SHORT = {
    "{bucket}/{key_prefix}": "B/K",
    "{bucket}": "B",
    "{configuration_parameter}": "/startifact",
    "{bucket_name_parameter}": "/{bucket_name_param}",
    "{parameter_prefix}": "/P",
}
"""What stands in the table for what is in templates of resources."""


def shortened(resource: str) -> str:
    """Return the template *resource* as the table has it."""
    if resource in {KMS_KEY, ROLE}:
        return "the key" if resource == KMS_KEY else "the role"
    text = re.sub(r"arn:\{partition\}:(s3:::|ssm:\{region\}:\{account\}:)", "", resource)
    for long, short in SHORT.items():
        text = text.replace(long, short)
    return f"`{text}`"


def examples_page(_: str) -> str:
    """Return the page with each workflow of examples/workflows."""
    folder = PROJECT / "examples" / "workflows"
    named = [name for names in EXAMPLES.values() for name in names]
    if sorted(named) != sorted(path.stem for path in folder.glob("*.yml")):
        sys.exit("scripts/pages.py: EXAMPLES names other workflows than there are")
    lines = [
        "# Whole workflows\n",
        GENERATED,
        "\nEach is a file to copy into `.github/workflows`. OWNER is the owner of the repository",
        "that these pages come from; regions, roles and the name of the project are yours.",
        "[Workflows](workflows.md) explains the parts.",
    ]
    for heading, names in EXAMPLES.items():
        lines.append(f"\n## {heading}")
        for name in names:
            lines += example_section(name, (folder / f"{name}.yml").read_text(encoding="utf-8"))
    return "\n".join(lines) + "\n"


def example_section(name: str, text: str) -> list[str]:
    """Return the lines of Markdown about the workflow *name*, whose comment comes first."""
    comment, _, workflow = text.partition("\nname: ")
    prose = re.sub(r"^# ?", "", comment, flags=re.MULTILINE).strip()
    prose = re.sub(r"(?<=sub ends in )(:\S+)", r"`\1`", prose)
    prose = re.sub(r"(?<=in )(:\S+)$", r"`\1`", prose, flags=re.MULTILINE)
    prose = re.sub(r"\b([\w-]+)\.yml\b", link_to_example, prose)
    workflow = re.sub(r"zizmor: ignore\[[\w-]+\] ?", "", workflow)
    workflow = re.sub(r" +#\s*$", "", workflow, flags=re.MULTILINE)
    return [f"\n### {name}\n", prose, "\n```yaml", f"name: {workflow.rstrip()}", "```"]


def link_to_example(match: re.Match[str]) -> str:
    """Return the name of a file, as a link where it is on the page too."""
    is_here = any(match[1] in names for names in EXAMPLES.values())
    return f"[{match[1]}](#{match[1]})" if is_here else match[0]


def help_of_input(option: OptionDefinition) -> str:
    """Return what the action says of an input, which ends with the commands that it is for."""
    users = [c for c in commands_of(WayIn.ACTION) if option.used_by(c)]
    others = [c for c in commands_of(WayIn.ACTION) if not option.used_by(c)]
    if not others:
        return option.help
    if len(others) < len(users):
        return f"{option.help} Not for {listed(others, 'and')}."
    return f"{option.help} Only for {listed(users, 'and')}."


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    return [f"| {' | '.join(row)} |" for row in (heads, ("---",) * len(heads), *rows)]


def cell(text: str) -> str:
    """Return *text* as it can stand in a table's cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def replaced(text: str, parts: Mapping[str, list[str]]) -> str:
    """Return *text* with each part, between the two comments that name it, made anew."""
    for name, lines in parts.items():
        pattern = rf"^( *)(#|<!--) {name}(:.*| -->)\n(?:.*\n)*?\1\2 /{name}( -->)?$"
        found = re.search(pattern, text, re.MULTILINE)
        if found is None:
            sys.exit(f"there is no part {name} to write")
        first, last = found[0].split("\n")[0], found[0].rsplit("\n", 1)[-1]
        text = text[: found.start()] + "\n".join([first, *lines, last]) + text[found.end() :]
    return text


PAGES: Mapping[str, Callable[[str], str]] = {
    "docs/reference/commands.md": commands_page,
    "docs/reference/action.md": action_page,
    "docs/permissions.md": permissions_page,
    "docs/workflow-examples.md": examples_page,
}
