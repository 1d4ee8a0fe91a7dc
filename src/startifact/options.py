"""Every command and option, once: what it is called, its values, its default, its help, who has it.

The parser of the command line and the reader of the action's inputs are made from this table when
they run. ``make generate`` writes ``action.yml``, its composite twin, the inputs of the reusable
workflows and pages of the documents from it. One text serves all of them; where one of them needs
another, the two stand beside each other here. What the action says of an input ends with the
commands that it is for, so no text needs to name them.

Values that the code compares (such as those of ``if-exists``) are repeated here as text, so that
this can be imported by everything: tests/consistency/test_options.py holds that they agree.
"""

from collections.abc import Mapping, Sequence

from startifact.definitions import (
    CommandDefinition,
    OptionDefinition,
    ValueKind,
    WayIn,
)
from startifact.limits import (
    DEFAULT_GRACE,
    DEFAULT_MAX_EXTRACTED_SIZE,
    DEFAULT_MAX_MEMBERS,
    DEFAULT_MAX_RATIO,
)

SHELLS = ("bash", "fish", "zsh")
"""The shells that can complete a command line."""

TARGETS: Mapping[str, str] = {
    "PROJECT": "Such as SugarWater.",
    "[PROJECT]": "Such as SugarWater; without one, permissions are tried at a name of Startifact's "
    "own.",
    "PROJECT@VERSION": "Such as SugarWater@1.0.9000.",
    "PROJECT[@VERSION]": "Such as SugarWater@1.0.9000; without a version, all of the project.",
    "PROJECT[@SELECTOR]": "Such as SugarWater@1.0.9000, SugarWater@prod or 'SugarWater@^1.2'; "
    "without a selector, the latest version.",
    "SHELL": f"The shell, one of {', '.join(SHELLS)}.",
    "COMMAND": "Such as stage, or several, for a role that does them all; of a part of a command "
    "channels-remove, copy-from, copy-to or repair-keep. Or bootstrap by itself.",
    "PROJECT@SELECTOR": "Such as SugarWater@1.0.9000, SugarWater@staging or 'SugarWater@^1.2'.",
}
"""What commands are about, and the help for it."""

SHELL = (WayIn.SHELL,)
ACTION = (WayIn.ACTION,)

_COMMANDS = (
    CommandDefinition(
        "stage",
        "Make a file, or an archive of several, available as a version in every region.",
        "PROJECT@VERSION",
        "Staging the same again is safe: it changes nothing and fills the regions that lack it. "
        "Prints PROJECT@VERSION.",
    ),
    CommandDefinition(
        "download",
        "Bring an artifact back, verified.",
        "PROJECT[@SELECTOR]",
        "The file is at PATH only with the recorded size and SHA-256. With --extract PATH is a "
        "directory, and all that is in the archive is in it, or nothing. Prints the path written.",
    ),
    CommandDefinition("info", "Show what is known about an artifact.", "PROJECT[@SELECTOR]"),
    CommandDefinition(
        "link",
        "Make a link with which anybody can download an artifact for a while.",
        "PROJECT[@SELECTOR]",
        "Whoever has the link needs no credentials, so it is a secret for as long as it works. "
        "Only buckets have links. Prints the link.",
    ),
    CommandDefinition("projects", "List the projects that have anything staged, by name."),
    CommandDefinition(
        "versions",
        "List the versions of a project, newest first.",
        "PROJECT",
        "Prints each as soon as it is known.",
    ),
    CommandDefinition(
        "promote",
        "Point a channel at a version.",
        "PROJECT@SELECTOR",
        "The version has to be complete in as many regions as a staging needs. Promoting the same "
        "again is safe. Prints PROJECT@VERSION.",
    ),
    CommandDefinition(
        "rollback",
        "Point a channel at what it pointed at before.",
        "PROJECT",
        "A second rollback goes back one further. Prints PROJECT@VERSION.",
    ),
    CommandDefinition(
        "channels",
        "List the channels of a project, and what each points at.",
        "PROJECT",
        "With --remove it takes one channel away; a rollback brings it back.",
    ),
    CommandDefinition(
        "yank",
        "Take a version out of the choice of ranges.",
        "PROJECT@VERSION",
        "What asks for it by its number, and a channel that points at it, keep working, with a "
        "warning.",
    ),
    CommandDefinition(
        "unyank", "Take a version back into the choice of ranges.", "PROJECT@VERSION"
    ),
    CommandDefinition(
        "prune",
        "Remove old versions for good, in two runs.",
        "PROJECT",
        "The first run marks what is to go, and a later one removes what is due then. What a "
        "channel points at or has in its history stays, and so does what is not below latest. "
        "Without --yes it only says what would be done. Prints a line for every version.",
    ),
    CommandDefinition(
        "copy",
        "Bring an artifact into other regions, such as those of another organisation.",
        "PROJECT[@SELECTOR]",
        "It keeps its bytes, metadata, time and origin, and a yank. Copying the same again is "
        "safe. Prints PROJECT@VERSION.",
    ),
    CommandDefinition(
        "lock",
        "Record in a lock file which bytes selectors pick now, move its entries on, or check them.",
        "PROJECT[@SELECTOR]",
        "With --update it moves every entry on, with --check it says whether all can still be had; "
        "both take the names of projects, to look only at those. Prints PROJECT@VERSION for each "
        "entry, with --check a line for every entry that cannot be had.",
        takes_several=True,
    ),
    CommandDefinition(
        "verify",
        "Compare all regions, and say what differs.",
        "PROJECT[@VERSION]",
        "Prints a line for every difference. Changes nothing.",
    ),
    CommandDefinition(
        "repair",
        "Fill regions that lack something, and move latest forward.",
        "PROJECT[@VERSION]",
        "Where regions disagree it changes nothing, and says how to decide. What it copies it "
        "brings into the temporary folder (TMPDIR) first, which needs room for one artifact.",
    ),
    CommandDefinition(
        "doctor",
        "Say what works in each region, what does not, and what to do about it.",
        "[PROJECT]",
        "Looks at the identity, the configuration, the bucket and its settings, and tries each "
        "permission that a command needs. Changes nothing; only a store other than AWS is tried, "
        "as before a staging. Prints a line for each, and ends with 8 where something does not "
        "work.",
    ),
    CommandDefinition(
        "bootstrap",
        "Make all that an organisation needs in AWS: buckets, parameters and roles.",
        details="Deploys one CloudFormation stack in each region, and one of roles. Shows what it "
        "is about to do, and on a terminal asks first. What is there already is taken in, nothing "
        "is deleted, and running it again is safe. Ends with what doctor says, and prints a "
        "workflow.",
        ways_in=SHELL,
    ),
    CommandDefinition(
        "setup",
        "Write the organisation configuration into SSM in every AWS region.",
        details="Regions that hold the same configuration already are left alone.",
        ways_in=SHELL,
    ),
    CommandDefinition(
        "completion",
        "Print what makes a shell complete Startifact's commands, options and their values.",
        "SHELL",
        "It belongs into .bashrc, into .zshrc behind compinit, or into fish's completions.",
        ways_in=SHELL,
        choices=SHELLS,
    ),
    CommandDefinition(
        "policy",
        "Print the IAM policy for a role that runs commands, or who may take on that role.",
        "COMMAND",
        "It allows what the commands need, and nothing else. Nothing is asked of AWS: what is not "
        "given and cannot be known is a placeholder in capital letters. Prints JSON.",
        ways_in=SHELL,
        takes_several=True,
    ),
)

_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "stage": (
        "startifact stage SugarWater@1.0.9000 dist.tar.gz --metadata lang=dotnet",
        "startifact stage SugarWater@1.0.9000 dist.tar.gz --save-filename --if-exists keep",
        "startifact stage SugarWater@1.0.9000 dist.tar.gz --dry-run",
    ),
    "download": (
        "startifact download SugarWater dist.tar.gz",
        "startifact download 'SugarWater@^1.0' downloads/",
        "startifact download SugarWater@prod app --extract",
    ),
    "info": (
        "startifact info SugarWater",
        "startifact info SugarWater@prod --json",
    ),
    "link": (
        "startifact link SugarWater@1.0.9000",
        "startifact link SugarWater@prod --expires 30m --json",
    ),
    "projects": (
        "startifact projects",
        "startifact projects --json",
    ),
    "versions": (
        "startifact versions SugarWater --long",
        "startifact versions SugarWater --range '^1.0' --limit 5",
        "startifact versions SugarWater --since 30d --where lang=dotnet",
    ),
    "promote": (
        "startifact promote SugarWater@1.0.9000 staging",
        "startifact promote SugarWater@staging prod --expect 1.0.8000",
    ),
    "rollback": (
        "startifact rollback SugarWater prod",
        "startifact rollback SugarWater prod --to 1.0.8000",
    ),
    "channels": (
        "startifact channels SugarWater --history",
        "startifact channels SugarWater --remove staging",
    ),
    "yank": (
        "startifact yank SugarWater@1.0.9000 --reason 'does not start on Windows'",
        "startifact yank SugarWater@1.0.9000 --reason 'does not start on Windows' --dry-run",
    ),
    "unyank": (
        "startifact unyank SugarWater@1.0.9000",
        "startifact unyank SugarWater@1.0.9000 --dry-run",
    ),
    "prune": (
        "startifact prune SugarWater --keep-versions 20 --older-than 90d",
        "startifact prune SugarWater --keep-versions 20 --keep-prereleases 5 --yes",
    ),
    "copy": (
        "startifact copy SugarWater@prod --to 's3://customer-artifacts?region=eu-west-1'",
        "startifact copy SugarWater@1.0.9000 --to file:./backup --dry-run",
    ),
    "lock": (
        "startifact lock 'SugarWater@^1.0' SugarWater@prod",
        "startifact lock --update",
        "startifact lock --check",
    ),
    "verify": (
        "startifact verify SugarWater",
        "startifact verify SugarWater@1.0.9000 --read-data",
    ),
    "repair": (
        "startifact repair SugarWater --dry-run",
        "startifact repair SugarWater@1.0.9000 --read-data",
    ),
    "bootstrap": (
        "startifact bootstrap --regions us-east-1,eu-west-1 --name my-artifacts --dry-run",
        "startifact bootstrap --regions us-east-1,eu-west-1 --name my-artifacts --github ORG/REPO",
        "startifact bootstrap --show-template region",
    ),
    "setup": (
        "startifact setup --regions us-east-1,eu-west-1 --bucket-name-param /ci/bucket --dry-run",
        "startifact setup --regions us-east-1,eu-west-1 --bucket-name-param /ci/bucket",
    ),
    "doctor": (
        "startifact doctor",
        "startifact doctor SugarWater --for stage",
    ),
    "policy": (
        "startifact policy stage --project SugarWater --regions us-east-1,eu-west-1",
        "startifact policy promote --project SugarWater --channel staging --regions us-east-1",
        "startifact policy --trust ORGANISATION/REPOSITORY --tag 'v*'",
    ),
    "completion": (
        'eval "$(startifact completion bash)"',
        'eval "$(startifact completion zsh)"',
        "startifact completion fish > ~/.config/fish/completions/startifact.fish",
    ),
}

COMMANDS: Mapping[str, CommandDefinition] = {
    command.name: command._replace(examples=_EXAMPLES[command.name]) for command in _COMMANDS
}


def commands_of(way_in: WayIn) -> tuple[str, ...]:
    """Return the names of the commands that *way_in* has."""
    return tuple(name for name, command in COMMANDS.items() if way_in in command.ways_in)


def options_of(way_in: WayIn, command: str | None = None) -> tuple[OptionDefinition, ...]:
    """Return the options that *way_in* has, or only those of them that *command* uses."""
    return tuple(
        option
        for option in OPTIONS.values()
        if way_in in option.ways_in and (command is None or option.used_by(command))
    )


def listed(names: Sequence[str], before_last: str) -> str:
    """Return *names* as a sentence has them, with the word *before_last* before the last one."""
    *others, last = names
    return f"{', '.join(others)} {before_last} {last}" if others else last


_MAY_NAME_PROJECT = tuple(
    name
    for name in commands_of(WayIn.ACTION)
    if COMMANDS[name].target and not COMMANDS[name].takes_several
)
_ABOUT_A_PROJECT = tuple(name for name in _MAY_NAME_PROJECT if not COMMANDS[name].may_lack_target)

_WITH_DRY_RUN = (
    "stage",
    "promote",
    "rollback",
    "channels",
    "yank",
    "unyank",
    "copy",
    "lock",
    "repair",
    "bootstrap",
    "setup",
)
_CONFIGURING = ("bootstrap", "setup")
"""The commands that write the organisation configuration."""

_DRY_RUN = "Write nothing, and only say what would be done."

_OPTIONS = (
    OptionDefinition(
        "command",
        f"What to do, one of {listed(commands_of(WayIn.ACTION), 'and')}.",
        ValueKind.CHOICE,
        values=commands_of(WayIn.ACTION),
        ways_in=ACTION,
        required_by=commands_of(WayIn.ACTION),
    ),
    OptionDefinition(
        "project",
        "The name of the project, for example SugarWater.",
        commands=_MAY_NAME_PROJECT,
        ways_in=(WayIn.PYTHON, WayIn.ACTION),
        required_by=_ABOUT_A_PROJECT,
    ),
    OptionDefinition(
        "version",
        'An exact semantic version in quotes, for example "1.0.9000". The commands download, info, '
        "link, promote and copy also take latest or another channel, or a range such as ^1.2; "
        "download, info, link and copy use latest when this is empty, and verify and repair look "
        "at the whole project then.",
        commands=(
            "stage",
            "download",
            "info",
            "link",
            "promote",
            "yank",
            "unyank",
            "copy",
            "verify",
            "repair",
        ),
        ways_in=(WayIn.PYTHON, WayIn.ACTION),
        required_by=("stage", "promote", "yank", "unyank"),
        help_by_command={
            "stage": 'An exact semantic version in quotes, for example "1.0.9000".',
            "download": "An exact semantic version in quotes, latest or another channel, or a "
            "range such as ^1.2.",
            "promote": "An exact semantic version in quotes, latest or another channel, or a range "
            "such as ^1.2.",
        },
    ),
    OptionDefinition(
        "path",
        "What to stage: a file, a directory, or patterns such as dist/*.whl, one on each line, of "
        "which those that begin with ! take away from those before. Or the file to download to; "
        "with load-filename, with extract, or where it ends with a slash, the directory to "
        "download to. Relative to the workspace.",
        ValueKind.PATH,
        commands=("stage", "download"),
        required_by=("stage", "download"),
        metavar="PATH",
        positional_in=("stage", "download"),
        several_in=("stage",),
        help_by_command={
            "stage": "A file, a directory, a pattern such as 'dist/*.whl', or several of them, of "
            "which those that begin with ! take away from those before; - for standard input.",
            "download": "The file to write, - for standard output; the folder with "
            "--load-filename, with --extract, or where it ends with a slash.",
        },
    ),
    OptionDefinition(
        "archive",
        "Which archive to make of what is staged, tar.gz or zip. Without it, one file is staged as "
        "it is, and a directory or several files as tar.gz.",
        ValueKind.CHOICE,
        values=("tar.gz", "zip"),
        commands=("stage",),
    ),
    OptionDefinition(
        "include-hidden",
        "Stage files and directories whose name begins with a dot too, where the path or the "
        "pattern does not write the dot itself.",
        ValueKind.FLAG,
        "false",
        commands=("stage",),
    ),
    OptionDefinition(
        "channel",
        "The channel to move, such as prod: lower-case letters, digits and dashes. The command "
        "versions lists what it points at, or has pointed at according to its history; doctor "
        "tries whether it may be moved.",
        commands=("versions", "promote", "rollback", "doctor"),
        required_by=("promote", "rollback"),
        metavar="CHANNEL",
        positional_in=("promote", "rollback"),
        help_by_command={
            "versions": "Only versions that this channel points at, or has pointed at according to "
            "its history.",
            "promote": "The channel to move, such as prod: lower-case letters, digits and dashes.",
            "rollback": "The channel to move, such as prod: lower-case letters, digits and dashes.",
            "doctor": "The channel whose permissions are tried, with --for promote and its like.",
        },
    ),
    OptionDefinition(
        "range",
        "Only versions that satisfy this range, such as ^1.2; prune looks at no others, and counts "
        "no others.",
        commands=("versions", "prune"),
        metavar="RANGE",
        help_by_command={
            "versions": "Only versions that satisfy this range, such as ^1.2.",
            "prune": "The only versions that are looked at, and counted, such as <2.",
        },
        name_in_python="version_range",
    ),
    OptionDefinition(
        "since",
        "Only versions that were staged first then or later: a date such as 2026-11-01, a time "
        "such as 2026-11-01T08:00:00Z, or a length of time back, such as 7d. Each version is one "
        "request to each region.",
        commands=("versions",),
        metavar="TIME",
    ),
    OptionDefinition(
        "where",
        "Only versions with all of this in their metadata: KEY=VALUE lines, or a YAML mapping. "
        "Each version is one request to each region, sixteen versions at a time.",
        ValueKind.METADATA,
        commands=("versions",),
        metavar="KEY=VALUE",
        help_in_shell="Only versions with this pair in their metadata; can be given several times. "
        "Each version is one request to each region, sixteen versions at a time.",
    ),
    OptionDefinition(
        "limit",
        "At most so many versions, the newest of those that are asked for.",
        ValueKind.COUNT,
        commands=("versions",),
        metavar="COUNT",
    ),
    OptionDefinition(
        "long",
        "Show of each version its size, when it was staged, its digest, its channels and whether "
        "it was yanked; a step shows it in its summary. Each version is one request to each "
        "region, sixteen versions at a time.",
        ValueKind.FLAG,
        "false",
        commands=("versions",),
        help_in_shell="Show of each version its size, when it was staged, its digest, its channels "
        "and whether it was yanked. Each version is one request to each region, sixteen versions "
        "at a time.",
    ),
    OptionDefinition(
        "min-age",
        "How long ago the version that a range picks has to have been staged at least, such as 24h "
        "or 7d.",
        commands=("download", "info", "link", "promote", "copy", "lock"),
        metavar="TIME",
    ),
    OptionDefinition(
        "expires",
        "How long the link works, such as 30m or 7d, which is the longest; never longer than the "
        "credentials that sign it live. Without it, 1h, or as long as they live where that is "
        "less.",
        commands=("link",),
        metavar="TIME",
    ),
    OptionDefinition(
        "expect",
        "What the channel has to point at now, an exact version, another channel or a range; "
        "otherwise nothing is changed. The command channels takes it with remove.",
        commands=("promote", "channels"),
        metavar="SELECTOR",
        help_by_command={
            "promote": "What the channel has to point at now, an exact version, another channel "
            "or a range; otherwise nothing is changed.",
            "channels": "With --remove, what the channel has to point at now, an exact version, "
            "another channel or a range; otherwise nothing is changed.",
        },
    ),
    OptionDefinition(
        "expect-none",
        "Promote only where there is no such channel yet.",
        ValueKind.FLAG,
        "false",
        commands=("promote",),
    ),
    OptionDefinition(
        "allow-yanked",
        "Point the channel at the version also where it was yanked.",
        ValueKind.FLAG,
        "false",
        commands=("promote", "rollback"),
    ),
    OptionDefinition(
        "to",
        "For rollback the version to go back to, of those that the channel has held; without it, "
        "the one before. For copy the regions to copy to, separated by commas, spaces or newlines.",
        commands=("rollback", "copy"),
        required_by=("copy",),
        metavar="VERSION",
        metavar_by_command={"copy": "REGIONS"},
        help_by_command={
            "rollback": "The version to go back to, of those that the channel has held; without "
            "it, the one before.",
            "copy": "The regions to copy to, separated by commas, spaces or newlines.",
        },
    ),
    OptionDefinition(
        "to-profile",
        "The profile of the AWS configuration that reaches the regions to copy to.",
        commands=("copy",),
        ways_in=(WayIn.SHELL, WayIn.ACTION),
        needs="to",
        metavar="NAME",
    ),
    OptionDefinition(
        "to-role",
        "The ARN of an IAM role that is taken on for the regions to copy to, by whoever reaches "
        "those to copy from.",
        commands=("copy",),
        ways_in=(WayIn.SHELL, WayIn.ACTION),
        needs="to",
        metavar="ARN",
    ),
    OptionDefinition(
        "to-configuration-parameter",
        "The SSM parameter that holds the organisation configuration of the regions to copy to. "
        "Without it, the same as for those to copy from.",
        commands=("copy",),
        ways_in=(WayIn.SHELL, WayIn.ACTION),
        needs="to",
        metavar="NAME",
    ),
    OptionDefinition(
        "remove",
        "The channel to take away, so that it points at nothing.",
        commands=("channels",),
        metavar="CHANNEL",
        name_in_python="channel",
    ),
    OptionDefinition(
        "history",
        "Show the last moves of each channel too; a step shows them in its log and its summary.",
        ValueKind.FLAG,
        "false",
        commands=("channels",),
        ways_in=(WayIn.SHELL, WayIn.ACTION),
        help_in_shell="Show the last moves of each channel too; --json always has them.",
    ),
    OptionDefinition(
        "reason",
        "What is wrong with the version, for everybody who gets it.",
        commands=("yank",),
        required_by=("yank",),
        metavar="TEXT",
    ),
    OptionDefinition(
        "keep-versions",
        "How many stable versions stay, the newest. Where only this or keep-prereleases is given, "
        "versions of the other kind stay.",
        ValueKind.COUNT,
        commands=("prune",),
        metavar="COUNT",
    ),
    OptionDefinition(
        "keep-prereleases",
        "How many prereleases stay, the newest; 0 for none.",
        ValueKind.NUMBER,
        commands=("prune",),
        metavar="NUMBER",
    ),
    OptionDefinition(
        "older-than",
        "How long ago a version that goes has to have been staged at least, such as 90d.",
        commands=("prune",),
        metavar="TIME",
    ),
    OptionDefinition(
        "grace",
        "How long a version that is marked stays at least, such as 7d.",
        default=DEFAULT_GRACE,
        commands=("prune",),
        metavar="TIME",
    ),
    OptionDefinition(
        "yes",
        "Mark and remove; without it the plan is shown, and nothing is done.",
        ValueKind.FLAG,
        "false",
        commands=("prune", "bootstrap"),
        help_by_command={"bootstrap": "Do not ask before anything is changed."},
    ),
    OptionDefinition(
        "metadata",
        "What is stored with the artifact: KEY=VALUE lines, or a YAML mapping. Every value "
        "is kept as it is written. A line that begins with a # is a comment.",
        ValueKind.METADATA,
        commands=("stage",),
        letter="m",
        metavar="KEY=VALUE",
        help_in_shell="A pair that travels with the artifact; can be given several times.",
    ),
    OptionDefinition(
        "save-filename",
        "Store the name of the file with the artifact, so that a download can restore it. An "
        "archive has the name of the directory, or else of the project.",
        ValueKind.FLAG,
        "false",
        commands=("stage",),
    ),
    OptionDefinition(
        "load-filename",
        "Download under the stored file name, in the directory that path names, which is made.",
        ValueKind.FLAG,
        "false",
        commands=("download",),
    ),
    OptionDefinition(
        "extract",
        "Extract the artifact, a zip or a tar (also gzip, bzip2 or xz), into the directory that "
        "path names. It has to be absent or empty, or to have none of the members yet.",
        ValueKind.FLAG,
        "false",
        commands=("download",),
        ways_in=(WayIn.SHELL, WayIn.ACTION),
        help_in_reusable="Extract the artifact, a zip or a tar (also gzip, bzip2 or xz), and hand "
        "on what is in it. A workflow artifact keeps no links and no executable bits.",
    ),
    OptionDefinition(
        "overwrite",
        "Replace files that are in the directory already.",
        ValueKind.FLAG,
        "false",
        commands=("download",),
        needs="extract",
    ),
    OptionDefinition(
        "max-members",
        "How many members the archive may have, the folders that they are in included. Without "
        f"it, {DEFAULT_MAX_MEMBERS:,}.",
        ValueKind.COUNT,
        commands=("download",),
        needs="extract",
        metavar="COUNT",
    ),
    OptionDefinition(
        "max-extracted-size",
        "How large all members together may be, such as 2GiB. Without it, "
        f"{DEFAULT_MAX_EXTRACTED_SIZE}.",
        commands=("download",),
        needs="extract",
        metavar="SIZE",
        name_in_python="max_bytes",
    ),
    OptionDefinition(
        "max-ratio",
        "How many times as large as the archive that may be, where it is 64 MiB or more. Without "
        f"it, {DEFAULT_MAX_RATIO}.",
        ValueKind.COUNT,
        commands=("download",),
        needs="extract",
        metavar="COUNT",
    ),
    OptionDefinition(
        "entries",
        "What to lock, a line for each: PROJECT@SELECTOR, or PROJECT for its latest version. With "
        "update or check the names of projects, of which the lock file has entries; without any, "
        "all.",
        commands=("lock",),
        ways_in=ACTION,
    ),
    OptionDefinition(
        "lock-file",
        "The lock file. For download it says which version and bytes to bring for this selector, "
        "and no others are written; for lock it is startifact.lock where this is empty. Relative "
        "to the workspace.",
        ValueKind.PATH,
        commands=("download", "lock"),
        metavar="FILE",
        help_by_command={
            "download": "The lock file that says which version and bytes to bring for this "
            "selector; no others are written.",
            "lock": "The lock file. Without it, startifact.lock.",
        },
    ),
    OptionDefinition(
        "sha256",
        "The SHA-256 that the artifact has to have, in hexadecimal; nothing is written where it "
        "has another one.",
        commands=("download",),
        metavar="DIGEST",
    ),
    OptionDefinition(
        "update",
        "Move every entry of the lock file to what its selector picks now.",
        ValueKind.FLAG,
        "false",
        commands=("lock",),
        ways_in=(WayIn.SHELL, WayIn.ACTION),
    ),
    OptionDefinition(
        "check",
        "Say whether every entry of the lock file can still be had, and write nothing.",
        ValueKind.FLAG,
        "false",
        commands=("lock",),
        ways_in=(WayIn.SHELL, WayIn.ACTION),
    ),
    OptionDefinition(
        "regions",
        "Where artifacts are, separated by commas, spaces or newlines: AWS regions such as "
        "eu-west-1, buckets such as s3://bucket/prefix?region=eu-west-1, or directories such as "
        "file:./folder. Without it, STARTIFACT_REGIONS, or else the organisation configuration "
        "in AWS_REGION.",
        ValueKind.LIST,
        required_by=("setup",),
        metavar="LIST",
        ignored_by=("completion",),
        help_in_reusable="AWS regions or s3:// buckets, separated by commas, spaces or newlines. "
        "Without it, the organisation configuration in aws-region says.",
        help_by_command={
            "bootstrap": "AWS regions, separated by commas, spaces or newlines.",
            "setup": "AWS regions, separated by commas, spaces or newlines.",
            "policy": "AWS regions or s3:// buckets, separated by commas, spaces or newlines. "
            "Without it, STARTIFACT_REGIONS, or else all AWS regions.",
        },
    ),
    OptionDefinition(
        "configuration-parameter",
        "The SSM parameter that holds the organisation configuration. Without it, "
        "STARTIFACT_PARAMETER, or else /startifact.",
        ways_in=(WayIn.SHELL, WayIn.ACTION),
        metavar="NAME",
        ignored_by=("completion",),
        help_in_reusable="The SSM parameter that holds the organisation configuration. Without it, "
        "/startifact.",
    ),
    OptionDefinition(
        "required-regions",
        "How many regions have to hold the artifact for a staging to succeed, or before a "
        "channel is moved to it: majority, all or a number.",
        default="majority",
        commands=("stage", "promote", "rollback", "copy", "repair"),
        metavar="{majority,all,N}",
        ignored_by=(
            "download",
            "info",
            "link",
            "projects",
            "versions",
            "channels",
            "yank",
            "unyank",
            "prune",
            "lock",
            "verify",
            "doctor",
        ),
    ),
    OptionDefinition(
        "if-exists",
        "What to do when the version is staged already with other content: fail, or keep what "
        "is there: regions that lack it are filled with it, latest moves, and it is what is "
        "reported.",
        ValueKind.CHOICE,
        "fail",
        values=("fail", "keep"),
        commands=("stage",),
    ),
    OptionDefinition(
        "replicate",
        "How an artifact of 64 MiB or more reaches all regions: auto lets Amazon S3 copy it from "
        "the first region to have it, and direct sends the file to each.",
        ValueKind.CHOICE,
        "auto",
        values=("auto", "direct"),
        commands=("stage",),
    ),
    OptionDefinition(
        "dry-run",
        f"{_DRY_RUN} The command channels takes it with remove, and lock without check.",
        ValueKind.FLAG,
        "false",
        commands=_WITH_DRY_RUN,
        name_in_python="read_only",
        help_by_command={
            **dict.fromkeys(_WITH_DRY_RUN, _DRY_RUN),
            "channels": "With --remove, write nothing, and only say what would be done.",
        },
    ),
    OptionDefinition(
        "read-data",
        "Read every byte and compare it with its record. That takes time and traffic.",
        ValueKind.FLAG,
        "false",
        commands=("verify", "repair"),
    ),
    OptionDefinition(
        "keep",
        "Where regions disagree about one version: sha256: and the digest of the content that "
        "is right, or its name, content: and digits, where only metadata or file name differ. "
        "Other content is copied aside and deleted.",
        commands=("repair",),
        needs="version",
        metavar="sha256:DIGEST",
    ),
    OptionDefinition(
        "for",
        "What permissions are tried for: a command, channels-remove, copy-from, copy-to or "
        "repair-keep.",
        ValueKind.CHOICE,
        "download",
        values=(
            "stage",
            "download",
            "info",
            "link",
            "versions",
            "projects",
            "promote",
            "rollback",
            "channels",
            "channels-remove",
            "lock",
            "yank",
            "unyank",
            "prune",
            "copy-from",
            "copy-to",
            "verify",
            "repair",
            "repair-keep",
            "setup",
        ),
        commands=("doctor",),
        metavar="COMMAND",
        name_in_python="operation",
    ),
    OptionDefinition(
        "name",
        "What the names of all that is made begin with: of stacks, buckets, parameters and roles.",
        commands=("bootstrap", "policy"),
        ways_in=SHELL,
        metavar="NAME",
        help_by_command={"policy": "With bootstrap, the name that it is given."},
    ),
    OptionDefinition(
        "github",
        "A repository of GitHub whose runs take on the roles to read, stage, promote and prune; "
        "can be given several times. One made since 15 July 2026 is written "
        "ORGANISATION@ID/REPOSITORY@ID.",
        ValueKind.TEXTS,
        commands=("bootstrap",),
        ways_in=SHELL,
        metavar="ORGANISATION/REPOSITORY",
    ),
    OptionDefinition(
        "show-template",
        "Print the CloudFormation template of a region, or of the roles, and do nothing.",
        ValueKind.CHOICE,
        values=("region", "roles"),
        commands=("bootstrap",),
        ways_in=SHELL,
    ),
    OptionDefinition(
        "bucket-name-param",
        "The SSM parameter, your own, that holds the name of each region's bucket.",
        commands=("bootstrap", "setup", "policy"),
        ways_in=SHELL,
        required_by=("setup",),
        metavar="NAME",
        help_by_command={
            "bootstrap": "The SSM parameter that holds the name of each region's bucket. Without "
            "it, that which is configured, or else /NAME/bucket.",
        },
    ),
    OptionDefinition(
        "bucket-key-prefix",
        "What every key begins with, exactly as written: end it with a slash.",
        commands=("bootstrap", "setup", "policy"),
        ways_in=SHELL,
        metavar="PREFIX",
        help_by_command={
            "bootstrap": "What every key begins with, exactly as written: end it with a slash. "
            "Without it, what is configured, or else nothing.",
        },
    ),
    OptionDefinition(
        "parameter-name-prefix",
        "What the names of the parameters that follow latest begin with, such as /team.",
        commands=("bootstrap", "setup", "policy"),
        ways_in=SHELL,
        metavar="PREFIX",
        help_by_command={
            "bootstrap": "What the names of the parameters that follow latest begin with. Without "
            "it, what is configured, or else /NAME.",
        },
    ),
    OptionDefinition(
        "policy-project",
        "A project that the role is for, or a pattern of names such as 'Web-*'; can be given "
        "several times.",
        ValueKind.TEXTS,
        commands=("bootstrap", "policy"),
        help_by_command={
            "bootstrap": "A project that the roles are for, or a pattern of names such as 'Web-*'; "
            "can be given several times. Without any, all.",
        },
        ways_in=SHELL,
        metavar="NAME",
        name_in_shell="project",
    ),
    OptionDefinition(
        "policy-channel",
        "A channel that the role may move, such as prod; can be given several times.",
        ValueKind.TEXTS,
        commands=("bootstrap", "policy"),
        help_by_command={
            "bootstrap": "A channel that gets a role of its own, for jobs of the environment of "
            "its name; can be given several times. Without any, prod.",
        },
        ways_in=SHELL,
        metavar="NAME",
        name_in_shell="channel",
    ),
    OptionDefinition(
        "deny-channel",
        "A channel that the role may move in no project, whatever else it is allowed; can be "
        "given several times.",
        ValueKind.TEXTS,
        commands=("policy",),
        ways_in=SHELL,
        metavar="NAME",
    ),
    OptionDefinition(
        "bucket",
        "The name of a region's bucket, as eu-west-1=NAME, or of all, in which * stands for what "
        "differs; can be given several times.",
        ValueKind.TEXTS,
        commands=("bootstrap", "policy"),
        ways_in=SHELL,
        metavar="[REGION=]NAME",
        metavar_by_command={"bootstrap": "REGION=NAME"},
        help_by_command={
            "bootstrap": "The bucket of a region, which is taken in where it is there; can be "
            "given several times. Without it, NAME-ACCOUNT-REGION.",
        },
    ),
    OptionDefinition(
        "account",
        "The number of the AWS account.",
        commands=("policy",),
        ways_in=SHELL,
        metavar="NUMBER",
    ),
    OptionDefinition(
        "partition",
        "The partition of AWS. Without it, that of the regions.",
        ValueKind.CHOICE,
        values=("aws", "aws-cn", "aws-us-gov", "aws-eusc"),
        commands=("policy",),
        ways_in=SHELL,
    ),
    OptionDefinition(
        "kms-key",
        "The key in KMS that encrypts every object: its id, ARN or alias, for all regions, or as "
        "eu-west-1=KEY for one; can be given several times.",
        ValueKind.TEXTS,
        commands=("policy", *_CONFIGURING),
        ways_in=SHELL,
        metavar="[REGION=]KEY",
        metavar_by_command={"policy": "ARN"},
        help_by_command={
            "policy": "The ARN of the key in KMS that a bucket is encrypted with; can be given "
            "several times.",
        },
    ),
    OptionDefinition(
        "bucket-owner",
        "The account that the buckets have to belong to, for all regions, or as "
        "eu-west-1=NUMBER for one; can be given several times.",
        ValueKind.TEXTS,
        commands=_CONFIGURING,
        ways_in=SHELL,
        metavar="[REGION=]NUMBER",
    ),
    OptionDefinition(
        "storage-class",
        "The storage class of artifacts.",
        ValueKind.CHOICE,
        values=("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"),
        commands=_CONFIGURING,
        ways_in=SHELL,
        metavar="CLASS",
    ),
    OptionDefinition(
        "object-tag",
        "A tag of artifacts; can be given several times.",
        ValueKind.TEXTS,
        commands=_CONFIGURING,
        ways_in=SHELL,
        metavar="NAME=VALUE",
    ),
    OptionDefinition(
        "object-lock-mode",
        "How Object Lock retains artifacts, in buckets that have it.",
        ValueKind.CHOICE,
        values=("GOVERNANCE", "COMPLIANCE"),
        commands=_CONFIGURING,
        ways_in=SHELL,
    ),
    OptionDefinition(
        "object-lock-days",
        "For how many days from when they are written.",
        ValueKind.COUNT,
        commands=_CONFIGURING,
        ways_in=SHELL,
        metavar="DAYS",
    ),
    OptionDefinition(
        "mirrored-channel",
        "A channel that is copied to SSM, beside latest, which always is; can be given several "
        "times. Without any, all are.",
        ValueKind.TEXTS,
        commands=_CONFIGURING,
        ways_in=SHELL,
        metavar="NAME",
    ),
    OptionDefinition(
        "endpoint",
        "Where the requests to a region's bucket go, such as a VPC endpoint; can be given several "
        "times.",
        ValueKind.TEXTS,
        commands=_CONFIGURING,
        ways_in=SHELL,
        metavar="REGION=URL",
    ),
    OptionDefinition(
        "use-dualstack",
        "Whether S3 is reached by IPv6 too. Without it, the SDK's own settings decide.",
        ValueKind.CHOICE,
        values=("true", "false"),
        commands=_CONFIGURING,
        ways_in=SHELL,
    ),
    OptionDefinition(
        "use-fips",
        "Whether S3 is reached by its FIPS endpoints. Without it, the SDK's own settings decide.",
        ValueKind.CHOICE,
        values=("true", "false"),
        commands=_CONFIGURING,
        ways_in=SHELL,
    ),
    OptionDefinition(
        "unset",
        "A key that the configuration is to lose, such as storage_class; can be given several "
        "times. What is neither given nor unset stays as a region has it.",
        ValueKind.TEXTS,
        commands=_CONFIGURING,
        ways_in=SHELL,
        metavar="KEY",
    ),
    OptionDefinition(
        "remove-region",
        "An AWS region that the configuration has, and is to lose; can be given several times. "
        "What is in that region stays.",
        ValueKind.TEXTS,
        commands=_CONFIGURING,
        ways_in=SHELL,
        metavar="REGION",
    ),
    OptionDefinition(
        "policy-to-role",
        "The ARN of a role that copy-from takes on for the regions to copy to; can be given "
        "several times.",
        ValueKind.TEXTS,
        commands=("policy",),
        ways_in=SHELL,
        metavar="ARN",
        name_in_shell="to-role",
    ),
    OptionDefinition(
        "object-tags",
        "Artifacts are stored with object_tags, which takes a permission of its own.",
        ValueKind.FLAG,
        "false",
        commands=("policy",),
        ways_in=SHELL,
    ),
    OptionDefinition(
        "object-lock",
        "Artifacts are retained with object_lock_mode, which takes a permission of its own.",
        ValueKind.FLAG,
        "false",
        commands=("policy",),
        ways_in=SHELL,
    ),
    OptionDefinition(
        "trust",
        "Print the trust policy instead: which runs of this GitHub repository take on the role. "
        "One made since 15 July 2026 is written ORGANISATION@ID/REPOSITORY@ID.",
        commands=("policy",),
        ways_in=SHELL,
        metavar="ORGANISATION/REPOSITORY",
    ),
    OptionDefinition(
        "branch",
        "A branch whose runs take on the role, or a pattern such as 'release/*'; can be given "
        "several times.",
        ValueKind.TEXTS,
        commands=("bootstrap", "policy"),
        help_by_command={
            "bootstrap": "A branch whose runs take on the roles to read, stage and prune, or a "
            "pattern such as 'release/*'; can be given several times. Without branch, tag and "
            "environment, main and the tags v*.",
        },
        ways_in=SHELL,
        needs="trust",
        metavar="NAME",
    ),
    OptionDefinition(
        "tag",
        "A tag whose runs take on the role, or a pattern such as 'v*'; can be given several times.",
        ValueKind.TEXTS,
        commands=("bootstrap", "policy"),
        ways_in=SHELL,
        needs="trust",
        metavar="NAME",
    ),
    OptionDefinition(
        "environment",
        "An environment whose jobs take on the role; can be given several times.",
        ValueKind.TEXTS,
        commands=("bootstrap", "policy"),
        ways_in=SHELL,
        needs="trust",
        metavar="NAME",
    ),
    OptionDefinition(
        "role-to-assume",
        "The ARN of an IAM role that this step takes on with an OpenID Connect token, and "
        "nobody else in the job. The job needs the permission id-token: write.",
        ways_in=ACTION,
    ),
    OptionDefinition(
        "aws-region",
        "The AWS region that is asked for the role's credentials, and that has the organisation "
        "configuration. Without it, AWS_REGION, or for the credentials else the first "
        "AWS region in regions.",
        ways_in=ACTION,
    ),
    OptionDefinition(
        "audience",
        "Whom the token for role-to-assume is meant for.",
        default="sts.amazonaws.com",
        ways_in=ACTION,
        needs="role-to-assume",
    ),
    OptionDefinition(
        "role-session-name",
        "What the session of role-to-assume is called in AWS's records.",
        default="startifact",
        ways_in=ACTION,
        needs="role-to-assume",
    ),
    OptionDefinition(
        "role-duration",
        "For how many seconds credentials are asked for at a time, 900 to 43200. A longer step "
        "asks again.",
        ValueKind.SECONDS,
        "3600",
        ways_in=ACTION,
        needs="role-to-assume",
    ),
    OptionDefinition(
        "provenance",
        "Whether to record the repository, commit, ref, run and actor of a staging, and which run "
        "moved a channel, or yanked or removed a version.",
        ValueKind.FLAG,
        "true",
        commands=(
            "stage",
            "promote",
            "rollback",
            "channels",
            "yank",
            "unyank",
            "copy",
            "prune",
            "repair",
        ),
        ways_in=ACTION,
    ),
    OptionDefinition(
        "summary", "Whether to write a job summary.", ValueKind.FLAG, "true", ways_in=ACTION
    ),
    OptionDefinition(
        "deadline",
        "Give up after this many seconds; running again is safe.",
        ValueKind.SECONDS,
        ways_in=(WayIn.SHELL, WayIn.ACTION),
        metavar="SECONDS",
        ignored_by=("completion",),
    ),
    OptionDefinition(
        "json",
        "Print one JSON object.",
        ValueKind.FLAG,
        "false",
        ways_in=SHELL,
        ignored_by=("completion",),
    ),
    OptionDefinition(
        "verbose",
        "Tell which regions, configuration and buckets are used, who serves, and each retry.",
        ValueKind.FLAG,
        "false",
        ways_in=SHELL,
        letter="v",
        ignored_by=("completion",),
    ),
    OptionDefinition(
        "quiet",
        "Tell errors only.",
        ValueKind.FLAG,
        "false",
        ways_in=SHELL,
        letter="q",
        ignored_by=("completion",),
    ),
    OptionDefinition(
        "traceback",
        "Show where in the code an error arose.",
        ValueKind.FLAG,
        "false",
        ways_in=SHELL,
    ),
)

OPTIONS: Mapping[str, OptionDefinition] = {option.name: option for option in _OPTIONS}
