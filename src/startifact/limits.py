"""Every number that bounds something: a size, a count, a time. Each has its unit and its reason.

There are two kinds. What the storage format says, and what services and file systems allow, is a
constant here: it is the same for everybody, and changing it changes what can be stored or read.
How a session behaves while it runs is in `Limits`, which a session is given and hands on.
"""

from dataclasses import field

from startifact.lazy_dataclasses import dataclass

MIB = 1024 * 1024

# What the storage format allows ------------------------------------------------------------------

MAX_PROJECT_CHARACTERS = 128
"""With the version's it stays below the 255 bytes that file systems allow for a name."""

MAX_VERSION_CHARACTERS = 128
"""Far more than anybody writes; see `MAX_PROJECT_CHARACTERS`."""

MAX_RANGE_CHARACTERS = 256
"""Of a range, before it is parsed: room for a dozen comparators, more than anybody reviews."""

MAX_RANGE_NUMBER = 2**53 - 1
"""Of a number in a range, as npm has it: larger ones npm refuses or, in a prerelease, rounds."""

MAX_RANGE_PREFIXES = 4
"""How many beginnings of versions a range is listed by. Each is a listing of its own in every
region, and a whole project of up to 1,000 artifacts is one request."""

MAX_LOCK_FILE_BYTES = 1024 * 1024
"""Room for some four thousand entries, where a repository needs dozens."""

MAX_CHANNEL_NAME_CHARACTERS = 63
"""As long as the label of a host, which channels are often named after."""

QUOTED_CHARACTERS = 120
"""How much of a value that is wrong a message quotes: enough to recognise it in one line."""

QUOTED_KEY_CHARACTERS = 40
"""The same where several are quoted in one line, or one in the middle of a sentence."""

LISTED_NAMES = 10
LISTED_NAME_CHARACTERS = 200
"""How many names a line lists, and how much of each: a list of regions has 32 at most."""

NEAREST_NAMES = 3
NEAREST_RATIO = 0.7
"""How many names are offered in the place of one that there is not, and how much of it each has to
have in common with it: with less, what is offered is no misspelling."""

NEAREST_LISTED = 5_000
"""How many names are listed for that: five pages of S3."""

SERVICE_TEXT_CHARACTERS = 600
"""How much of what a service says is quoted: a denial by a policy names user, action, resource and
policy, the policy last."""

BUG_TEXT_CHARACTERS = 300
"""How much of an exception that nobody expected is quoted; it may hold anything."""

MAX_FILENAME_BYTES = 255
"""What the usual file systems allow: a saved name has to be usable where it is restored."""

MAX_RECORD_BYTES = 2048 - len("x-amz-meta-startifact")
"""S3 allows 2 KiB of user metadata, counted over names and values. Some stores count the header's
whole name, so it is counted whole."""

MAX_METADATA_BYTES = 1024
"""Half of the record, as ASCII JSON: the facts need the rest."""

MAX_METADATA_TEXT_BYTES = 64 * 1024
"""Of metadata as people write it, before it is parsed: YAML of any size would take any time."""

MAX_QUOTED_VERSIONS = 5
"""How many versions a message names that a range has passed over."""

MAX_NEAR_VERSIONS = 8
"""How many versions are looked at on each side of a range that nothing satisfies, to name those
that were not removed."""

REMOVED_ONE_BY_ONE = 3
"""How many versions in a row a range finds removed before it looks at several at once: a yank or
two must not cost the requests of others that are not needed."""

MAX_DURATION_DAYS = 36_500
"""Of a length of time that is given: a hundred years, so that no date lies before the year 1."""

DEFAULT_GRACE = "7d"
"""How long what is to be pruned stays at least, so that whoever uses it can say so."""

MAX_REASON_CHARACTERS = 500
"""Of why a version was yanked. The last move of a mark is stored twice, and a character may take 12
bytes: that fits in `MAX_CHANNEL_BYTES`."""

MAX_CHANNEL_BYTES = 16 * 1024
"""What a channel's text may take, its history included. A longer one is not ours, and is not read
to its end."""

MAX_HISTORY_MOVES = 20
"""How many of its last moves a channel remembers, as long as they fit in `MAX_CHANNEL_BYTES`."""

MAX_MOVED_BY_BYTES = 500
"""What the name of who has moved a channel takes in JSON that is ASCII: mostly the address of a
workflow run."""

MAX_ID_CHARACTERS = 64
"""Of what identifies a move, and an attempt at one. Those made here have 16."""

MAX_BALLOT = 2**53
"""What JSON's numbers are exact up to: more than any number of attempts."""

MAX_COUNT_DIGITS = 9
"""Of a number of versions as people write it: more than any project has."""

MAX_DEADLINE_SECONDS = 1_000_000
"""More than the five days that a job of a self-hosted runner may take."""

MAX_SIZE_DIGITS = 19
MAX_FORMAT_DIGITS = 9
"""Of numbers that are stored as text, before they are read: more than any that is allowed."""

MAX_GENERATION = 2**53
"""Counted one by one nobody gets there; up to it, every JSON parser reads the same number."""

MAX_REGIONS = 32
"""More than there are AWS regions in one account; each takes a thread and connections."""

MAX_CONFIGURATION_BYTES = 8192
"""What the largest parameter of SSM holds."""

MAX_TAGS = 10
"""Of an object in S3."""

MAX_TAG_KEY_CHARACTERS = 128
"""As S3 has it."""

MAX_TAG_VALUE_CHARACTERS = 256
"""As S3 has it."""

MAX_LOCK_DAYS = 36_500
"""Of retention by Object Lock, as S3 has it for a bucket's default."""

PROBE_LOCK_SECONDS = 3600
"""How long Object Lock keeps what has tried a store: longer than any clock may be wrong by."""

MAX_KEY_PREFIX_CHARACTERS = 256
"""With the longest key below it, this stays far under the 1,024 bytes that S3 allows."""

# What is extracted -------------------------------------------------------------------------------

DEFAULT_MAX_MEMBERS = 200_000
"""Of an archive, with the folders that its members are in: several times what the largest front
ends have."""

DEFAULT_MAX_EXTRACTED_SIZE = "16GiB"
"""Of all members together: a little more than the free disk that GitHub promises its runners."""

DEFAULT_MAX_RATIO = 200
"""How many times as large as the archive its members may be. Text has 5 to 30, and a gzip file that
is made to fill a disk has 1,000, a zip much more."""

RATIO_FROM_BYTES = 64 * MIB
"""Members of less than this may have any ratio: a small file of one letter has a large one."""

MEMBER_NAME_BYTES = 320
"""Of each member that is allowed, what its name and the link in it may take on average: they are
all in memory at once. In the deepest of node_modules it is 120."""

MAX_MEMBER_PATH_BYTES = 4096
"""What Linux takes as one path. It is long enough for whatever was on a disk."""

MAX_MEMBER_DEPTH = 256
"""How many folders deep a member may be: what removes folders needs a call in a call for each."""

MAX_TAR_HEADER_BYTES = MIB
"""Of what a tar says about one member before its content: a path, a link and attributes, the
largest of which have 64 KiB. It is read into memory."""

MAX_TAR_PADDING_BYTES = 16 * MIB
"""Of the zeros behind the end of a tar, which fill up a record: those of tapes have 10 KiB, and
nobody has larger ones than this."""

REFUSED_MEMBER_BYTES = 160
LEAST_REFUSALS_BYTES = MIB
"""Of each member that is allowed, what a message may say of it on average where it is refused; and
what it may say of all together at least. That is room for the longest names of builds, and none for
as many that were made to fill the memory."""

MAX_XZ_MEMORY_BYTES = 96 * MIB
"""What the dictionary of an xz file may take: that of its highest level takes 65 MiB."""

MAX_SIZE_TEXT_DIGITS = 15
"""Of a size as people write it: more than any disk has."""

# What services and file systems allow ------------------------------------------------------------

MAX_PARTS = 10_000
"""What S3 allows for one upload."""

MAX_SIZE_BYTES = MAX_PARTS * 5 * 1024**3
"""What S3 allows for one object: 10,000 parts of 5 GiB, about 48.8 TiB."""

MAX_BODY_BYTES_AT_ONCE = 256 * 1024
"""Of one request, sent without asking whether it may be: it costs less than the round trip."""

MAX_READ_BYTES = 32 * MIB
READS_PER_WORKER = 2
"""What one request of a download asks for at most, and how many requests each worker makes before
it may be more than `Limits.part_bytes`: each takes about 2 ms of processor time. A read goes on
where a connection broke, so that no work is lost; but the last ones are waited for by all others.
"""

MAX_PARAMETER_NAME_CHARACTERS = 1011
"""What SSM allows for a name, once it has put its own prefix before it."""

MAX_PARAMETER_PREFIX_CHARACTERS = 256
"""Leaves room for project and channel in `MAX_PARAMETER_NAME_CHARACTERS`."""

MAX_MANAGED_POLICY_CHARACTERS = 6_144
MAX_ROLE_POLICY_CHARACTERS = 10_240
MAX_USER_POLICY_CHARACTERS = 2_048
"""What IAM allows for a managed policy, and for all policies in a role and in a user. Blanks do not
count."""

MAX_TRUST_POLICY_CHARACTERS = 4_096
DEFAULT_TRUST_POLICY_CHARACTERS = 2_048
"""The same for a trust policy: at most, and unless the account's quota was raised."""

MAX_TEMPLATE_BYTES = 51_200
"""What CloudFormation takes of a template that is not in a bucket already."""

TEMPLATE_CHANNELS = 3
"""How many channels the template of the roles takes that is made for none."""

TEMPLATE_LINE_CHARACTERS = 90
"""What comments and descriptions in it are wrapped at."""

MAX_ROLE_CHANNEL_CHARACTERS = 30
MAX_ROLES_NAME_CHARACTERS = 24
"""What fits into the name of a channel's role, which is made of both: IAM allows 64."""

MAX_DIRECTORY_NAME_BYTES = 255
"""What the usual file systems allow for the name of one directory."""

MAX_CLOCK_SKEW_SECONDS = 60
"""How far the clock of this machine may be from a service's. Services refuse requests from 5
minutes on, S3 from 15: a clock that is a minute wrong is kept right by nobody."""

MAX_PARAMETERS = 10_000
"""What SSM allows in one account and region without advanced parameters, each of which costs."""

MANY_PARAMETERS = 9_000
"""From here on somebody should make room: no mirror is written once there is none."""

MIN_FREE_BYTES = 256 * MIB
"""What should be free in a directory that is staged to: less is a disk that is about to be full."""

CREDENTIALS_RENEWAL_SECONDS = 5 * 60
"""How long before they expire credentials are renewed. The SDK's own time is as long as the
shortest session, which would then be renewed at every request."""

CREDENTIALS_EXPIRY_SECONDS = 60
"""So long before they expire credentials are not used any more: a request takes its time."""

MAX_SIGNED_LINK_DAYS = 7
"""How long a link may work: S3 takes no signature of version 4 that lasts longer."""

DEFAULT_SIGNED_LINK_SECONDS = 60 * 60
"""How long one works where nobody says: long enough to send it to somebody, and to download."""

UNKNOWN_CREDENTIALS_SECONDS = 60 * 60
"""How long one may work, at most, where nobody says when temporary credentials end: as long as
sessions of a role last where nobody asked for more."""

LEAST_SIGNED_LINK_SECONDS = 60
"""How long one has to work where nobody says: with less, it has ended before it is used."""

MAX_LINKS = 40
"""How many links are followed from one path, as many as Linux follows."""

MAX_MEMBERS = 1_000_000
"""Of an archive that is made. A dry run names each, from memory."""

MEMBER_TABLES_RECENT = 100
"""How many entries of such a table are at hand without asking it: folders that members are in."""

SUMMARY_MEMBERS = 100
"""How many members of an archive the log and the summary of a step list."""

NEAREST_NAMES = 5
"""How many of the names that are there a message lists where none of them was asked for."""

EARLIEST_ARCHIVE_TIME = 315_532_800
"""1980-01-01, the first day that zip knows: the time of everything in an archive, where nobody
gives another one."""

LATEST_ARCHIVE_TIME = 8**11 - 1
"""What the header of tar has room for, in the year 2242."""

COMPRESSION_LEVEL = 6
"""Of all archives, as zlib counts: its default. Another one would make other bytes."""

SIGNAL_EXIT_CODE = 128
"""What shells add the number of a signal to, for the exit code of what it has ended."""

# What is read into memory at once ----------------------------------------------------------------

BLOCK_BYTES = MIB
"""Of a local file, and the most that a region yields at a time: memory must not grow with the
artifact, and a signal is seen between two blocks."""

READ_BACK_BYTES = 256 * 1024
"""Of a file of Startifact's own that is read to be hashed, or as a part of a download: what the
processor's cache holds, and with a dozen parts at a time a few MiB of memory."""

MAX_LEGACY_METADATA_BYTES = MIB
"""Of the metadata that the first Startifact stored in an object of its own, and did not limit. More
than a record holds is read all the same; this is far more than anybody would search in."""

KEYS_AT_ONCE = 1000
"""Of a listing, as many as S3 gives in one answer. A project of no more is listed with one."""

MAX_DIRECTORY_TEXT_BYTES = 64 * 1024
"""Of a record or a channel in a directory, where a file may have any size."""

MAX_STACK_EVENTS = 500
"""Of a stack that is being made: many times those of the stacks of an organisation."""

MAX_STACK_PARAMETER_CHARACTERS = 4096
"""What CloudFormation takes as the value of a parameter of a stack."""

MAX_COMPLETION_BYTES = MIB
"""Of what S3 answers to the completion of an upload: a few lines of XML, after white space."""

# What a process of our own does for itself --------------------------------------------------------

OBJECTS_PER_COLLECTION = 200_000
"""How many objects a process of our own may make, more than it frees, before reference cycles among
them are looked for: more than the 130,000 of a staging into three AWS regions, nearly all of which
are modules and the SDK's descriptions, and so few that garbage takes no memory that matters."""

# How often a thread that waits checks ----------------------------------------------------------

SIGNAL_POLL_SECONDS = 0.5
"""A signal that comes just before a wait begins is handled when the wait ends, not before."""

RACE_START_SECONDS = 1.0
"""How long a request of the probe waits for those that are to leave at the same moment. They are
built and signed in milliseconds, and one that fails before that is not waited for."""

CANCEL_POLL_SECONDS = 0.1
"""How soon a worker that waits for others notices that nobody waits for it any more."""

DROPPED_SIGNAL_SECONDS = 0.05
"""How long after Python dropped what a signal had raised it is raised again: the object that was
being destroyed meanwhile is gone by then."""

# What killed processes left ----------------------------------------------------------------------

SCRATCH_ABANDONED_SECONDS = 24 * 60 * 60
"""After this time without a write to it, nobody is still at work in a scratch folder."""

SCRATCH_CLEANUP_SECONDS = 0.5
"""How long the end of the process waits for its scratch folders to be removed: they may be in a
file system that hangs."""


# What people see while bytes move ----------------------------------------------------------------

BAR_REDRAW_SECONDS = 0.1
"""How often the line on a terminal is redrawn: often enough to look alive."""

BAR_COLUMNS = 20
"""The bar in that line: five per cent each, and room for the rest of the line beside it."""

LEAST_TEXT_COLUMNS = 24
"""Where fewer are left for what doctor has found, each fact has a line of its own."""

FALLBACK_COLUMNS = 80
"""How wide a terminal is taken for that does not say it, as terminals have always been."""

RATE_WINDOW_SECONDS = 5.0
"""What the rate is taken over, so that a transfer that stands still is seen to."""

LOG_PROGRESS_SECONDS = 5.0
"""How often a line is written where nothing can be redrawn: a log that somebody waits beside."""

STEP_PROGRESS_SECONDS = 10.0
"""The same in the log of a step, which is mostly read afterwards."""

# What GitHub and AWS allow a step of a workflow --------------------------------------------------

MAX_ANNOTATIONS = 10
"""Of one step. The runner keeps as many of each kind, and nobody reads more."""

MAX_ANNOTATION_CHARACTERS = 4096
"""What the runner keeps of an annotation's message."""

MAX_SUMMARY_BYTES = MIB
"""Of one step's summary; of a larger one the runner shows nothing."""

MAX_LIST_OUTPUT_BYTES = 256 * 1024
"""Of an output that is a list of versions or projects. All outputs of a job may have 1 MiB, which
GitHub counts in UTF-16, so that this is half of it; the other half is for other steps."""

MAX_ERROR_CHARACTERS = 16 * 1024
"""Of an error in a step's summary, and in an output: scripts read that from the environment, where
Linux allows 128 KiB for one text, and a character may take four bytes. The log has the rest."""

MAX_CODE_CHARACTERS = 400
"""Of one text from outside in a summary: one must not push all others out of it."""

MAX_OPEN_ROWS = 20
"""How much of a table of a summary is shown at once, which is a screen; the rest is folded."""

MIN_ROLE_SECONDS = 900
"""The shortest time for which AWS gives credentials of a role."""

MAX_ROLE_SECONDS = 43_200
"""The longest time for which AWS gives credentials of a role."""

MIN_KEY_ID_CHARACTERS = 16
"""How long the key ids of AWS are at least. Other stores have words, which anything may hold."""

TOKEN_REQUEST_SECONDS = 10.0
"""How long one request to GitHub for a token may go without a byte; `TOKEN_SECONDS` has room for
another one."""

TOKEN_SECONDS = 20.0
"""How long GitHub is asked for one token: less than a region may take without moving a byte."""

TOKEN_FAILURE_CACHE_SECONDS = 30.0
"""How long a failure answers for GitHub, so that no region asks what another was just refused."""

MAX_TOKEN_ANSWER_BYTES = 64 * 1024
"""Of GitHub's answer, many times what a token takes. More is not read into memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryLimits:
    """How often the same thing is tried, and how long the pauses in between are.

    The first pause is drawn from ``shortest_seconds`` to ``first_seconds``; that end doubles with
    each attempt, up to ``longest_seconds``.
    """

    attempts: int
    shortest_seconds: float = 0.0
    first_seconds: float = 0.05
    longest_seconds: float = 1.0


TOKEN_RETRY = RetryLimits(attempts=5, shortest_seconds=0.25, first_seconds=0.5, longest_seconds=4.0)
"""Of GitHub's answer to a request for a token. All pauses together stay within `TOKEN_SECONDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a session waits, how often it tries, and how much it does at a time."""

    # Waiting for regions ---------------------------------------------------------------------

    idle_timeout_seconds: float = 30.0
    """A region that moves no byte for this long has failed, and so has one that answers every
    attempt of a request with "later" for this long. Completing an upload has its own time, below.
    """

    quorum_idle_timeout_seconds: float = 10.0
    """The same once enough other regions have done their part, and nothing depends on this one. A
    region that says "later", or completes an upload, has its whole time nevertheless: it lives."""

    quorum_wait_seconds: float = 1.0
    """How long answers that are not needed any more are still waited for: a healthy region is not
    passed over because others were quicker, and a dead one costs no more than this."""

    # Undoing what was begun -----------------------------------------------------------------

    cleanup_seconds: float = 3.0
    """How long an interrupted command waits for its workers to undo what they began."""

    deadline_cleanup_seconds: float = 1.0
    """The same once a deadline has passed, which nothing outlives by more than two seconds."""

    parts_cleanup_seconds: float = 0.5
    """How long, after an error, the other parts of the same work are waited for. It is a part of
    the time for undoing."""

    stop_seconds: float = 5.0
    """How long a process that was stopped may undo what it began, undisturbed by more signals.
    GitHub's runner sends SIGTERM 7.5 s after SIGINT, and what then still runs has 2.5 s at most."""

    # Requests to AWS -------------------------------------------------------------------------

    connect_seconds: float = 3.0
    """A host that does not accept a connection by then counts as dead: a person is waiting."""

    identity_seconds: float = 2.0
    """How long it may take to learn who asks, which only people want to know who asked for it."""

    read_seconds: float = 15.0
    """How long one request may go without a byte. Twice that is still within the idle time-out."""

    request_retry: RetryLimits = field(
        default=RetryLimits(
            attempts=3, shortest_seconds=0.05, first_seconds=0.2, longest_seconds=1.5
        )
    )
    """How often one request is made at least, even where nothing answers at all, and the
    pauses in between. A region that throttles, or cuts connections, is tried until it has been idle
    for ``idle_timeout_seconds``, in about two dozen attempts."""

    retry_share: float = 0.9
    """The part of ``idle_timeout_seconds`` for which such a region is tried: not the whole, so that
    the error has the service's own reason."""

    refused_seconds: float = 6.0
    """How long connections may be refused: a service that restarts refuses them for seconds, and a
    host that is dead may do so for ever."""

    pace_first_seconds: float = 0.05
    pace_longest_seconds: float = 1.0
    """How far apart the requests of all threads to one region begin once it throttles. The time
    doubles with each request that is throttled and halves with each that is not, so that with less
    than half of them throttled it stays near the first."""

    # Completing an upload ----------------------------------------------------------------------

    completing_silence_seconds: float = 60.0
    """How long S3 may say nothing at all while it completes an upload; then it is asked what is
    there. As long as aws-cli waits. While it sends white space it is waited for."""

    completing_seconds: float = 300.0
    completing_seconds_per_part: float = 0.1
    """How long it is asked what is there after an answer was lost, from the beginning on: "several
    minutes", as S3's documentation has it, which is what rclone waits, and for an upload of 10,000
    parts 16 minutes more."""

    connections: int = 48
    """Each client's, kept open: more than the workers that three buckets which share one have at a
    time. One that reads may have to describe as well, on a second connection."""

    conflict_retry: RetryLimits = field(
        default=RetryLimits(
            attempts=8, shortest_seconds=0.02, first_seconds=0.1, longest_seconds=2.0
        )
    )
    """S3 said that a conflicting operation is under way. It ends within seconds."""

    parameter_retry: RetryLimits = field(
        default=RetryLimits(
            attempts=6, shortest_seconds=0.05, first_seconds=0.4, longest_seconds=2.0
        )
    )
    """SSM allows few writes a second, and the SDK does not retry some of its refusals at all."""

    read_attempts: int = 3
    """How many connections in a row may break, without progress, before a read has failed."""

    read_progress_bytes: int = 64 * 1024
    """How much has to come, in answers that break off, for a read to make progress: less, again and
    again for the idle time-out, would take hours."""

    broken_answers: int = 5
    """How many answers may break off within ``part_bytes`` where another region can deliver, though
    each brought bytes. As many attempts as aws-cli makes."""

    read_block_bytes: int = 32 * 1024
    longest_read_block_bytes: int = 128 * 1024
    """What is read at a time from an answer. It begins small, so that a slow connection is seen to
    move, and a download resumes near where a connection broke. Where blocks come fast they are
    doubled, since each costs time of its own; not further, since one that has become slow in the
    middle of a block is taken for idle."""

    read_block_seconds: float = 0.2
    """How long a block may take to come before the next one is small again."""

    send_block_bytes: int = 128 * 1024
    """What is read from a file and sent at a time, for the same reasons."""

    refusal_cache_seconds: float = 30.0
    """How long AWS is not asked again for a role that it refused, so that one refusal serves all
    regions."""

    # Trying a store that is not AWS ----------------------------------------------------------

    probe_writers: int = 6
    """How many requests race each other: enough to overlap in a store that checks first and writes
    then, and few enough for a small one. It has to be less than ``connections``."""

    probe_rounds: int = 3
    """How often they race at most, for each of three kinds of write. What one race misses, another
    finds."""

    probe_seconds: float = 3.0
    """No further race begins after this time: somebody waits for a staging, and each round takes
    five round trips to the store. The first round is always run."""

    # Stacks of CloudFormation -----------------------------------------------------------------

    stack_poll: RetryLimits = field(
        default=RetryLimits(
            attempts=1, shortest_seconds=0.5, first_seconds=1.0, longest_seconds=4.0
        )
    )
    """How long the pauses are between questions about a stack that is being made. CloudFormation
    takes half a minute for a bucket, and allows a few questions a second for an account."""

    stack_seconds: float = 1200.0
    """How long a stack is waited for: many times what one of ours takes. CloudFormation goes on all
    the same, and the next run waits for it again."""

    # Work at a time --------------------------------------------------------------------------

    part_bytes: int = 8 * MIB
    """What one request carries, while `MAX_PARTS` of them suffice. Less would cost round trips,
    more would lose more work with a connection. It is the same in all regions, which are sent one
    scan. S3 takes no part of less than 5 MiB, but for the last one."""

    part_workers: int = 12
    """How many parts of one artifact go to or come from one region at a time: at 80 ms a round trip
    each of them waits as long as it moves bytes. Each takes about 0.3 MiB of memory.
    """

    copy_bytes: int = 64 * MIB
    """How large an artifact is at least that other regions copy from the first to have it. A copy
    begins only once it is there: a smaller one is sooner everywhere if it is sent everywhere."""

    copy_wait_seconds: float = 5.0
    """How long a region waits for another one's upload, or for its own store's copy, that moves no
    byte or only fails, before it is sent the file itself: half of what a region that is not needed
    may be idle, so that there is time to send it."""

    inventory_workers: int = 16
    """How many artifacts of one region are described at a time. Each takes one small request, which
    is mostly waited for, and twice as many would be a hundred threads for three regions. What they
    read of the bytes is one block each."""

    lock_workers: int = 8
    """How many entries of a lock file are looked up at a time. Each asks all regions at once, and
    mostly waits for them."""

    lock_warnings: int = 50
    """How many versions of a lock file are warned of, each in a line; others are counted."""

    described_ahead: int = 32
    """How many versions of a listing are described, or wait to be shown, at a time: twice
    ``inventory_workers``, so that one that takes longer keeps few workers from going on."""

    channel_retry: RetryLimits = field(default=RetryLimits(attempts=40))
    """Of a channel that other jobs move at the same time. In each round one of them succeeds, and
    no workflow has this many at once."""

    mirror_wait_seconds: float = 2.0
    """How long a channel that was promoted is mirrored at most, in all regions beside each other:
    the four requests that a copy takes, to another continent. Only a session's end waits."""

    change_seconds: float = 60.0
    """How long a channel is tried to be moved before the last round begins: twice as long as a
    region may be idle, so that one that came back is met again."""

    promise_attempts: int = 3
    """How often a region that changes meanwhile is asked for its promise. Then another round of the
    change begins, with a higher ballot."""

    mirror_attempts: int = 40
    """How often a channel that keeps moving is mirrored; see ``channel_retry``."""

    # Directories -----------------------------------------------------------------------------

    lock_wait_seconds: float = 20.0
    """How long another process may hold the lock of a channel, which it needs for milliseconds.
    It is less than the idle time-out, so that the message names the lock."""

    lock_poll_seconds: float = 0.005
    """How often a lock that is held is tried."""

    replace_wait_seconds: float = 1.0
    """How long Windows may refuse to replace a channel because somebody is reading it."""

    describe_attempts: int = 20
    """How often an artifact's two files are read until they belong together: one may come or go in
    between, but not time after time."""


DEFAULT_LIMITS = Limits()
"""The limits of a session that is given none."""
