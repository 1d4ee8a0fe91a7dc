"""Every damage to ``latest`` and its copies: found, and mended forward or not at all."""

import json

import pytest

from startifact import errors
from startifact.model.keys import Key
from startifact.regions.interface import ChannelState
from startifact.repair.verify import Kind
from tests.functional.repair.shop import CONTENT, OTHER, Shop, actions, ssm_error
from tests.support.places import Bucket

JUNK = {
    "empty": "",
    "text": "not JSON",
    "version": '{"generation":1}',
    "types": '{"version":7,"generation":"1"}',
    "range": '{"version":"^1.0","generation":1}',
    "large": json.dumps({"version": "1.0.0", "generation": 1}) + " " * 100_000,
}


def names(shop: Shop, kind: Kind, count: int = 3) -> list[tuple[Kind, str]]:
    """Return *kind* for the first *count* regions."""
    return [(kind, name) for name in shop.regions[:count]]


def in_all(shop: Shop) -> list[str]:
    """Return where ``latest`` is, in every region."""
    return [place.latest(shop.project) for place in shop.places]


@pytest.mark.parametrize("version", ["1.0.1", "1.1.0"])
def test_staged_while_regions_are_compared(corner_shop: Shop, version: str) -> None:
    """A version that is staged between two looks is not taken for one that is not there."""
    shop = corner_shop
    shop.stage()
    shop.stage("1.0.1", regions=shop.regions[1:], required_regions=2)
    session = shop.session()
    region = session._regions()[0]
    read_channel = region.read_channel

    def staged_before(key: Key) -> ChannelState | None:
        if shop.a.latest(shop.project) == "1.0.0":
            shop.stage(version)
        return read_channel(key)

    vars(region)["read_channel"] = staged_before

    found = session.verify(shop.project)

    assert shop.a.latest(shop.project) == version
    assert Kind.LATEST_DANGLING not in {difference.kind for difference in found.differences}


def test_missing_in_one_region(shop: Shop) -> None:
    """A region whose ``latest`` was lost gets it back, where it is elsewhere."""
    shop.stage()
    shop.stage("2.0.0")
    shop.lose_latest(shop.b)

    found = shop.found()
    done = shop.mended()

    assert found == [(Kind.LATEST_MISSING, shop.b.spelling)]
    assert done == [("move-latest", shop.b.spelling)]
    assert in_all(shop) == ["2.0.0"] * 3


def test_missing_everywhere(shop: Shop) -> None:
    """Where every region has lost it, ``latest`` begins at the latest version there is."""
    shop.stage("2.0.0")
    shop.stage("1.0.0")
    shop.stage("3.0.0-rc.1")
    for place in shop.places:
        shop.lose_latest(place)

    found = shop.found()
    done = shop.mended()

    assert found == names(shop, Kind.LATEST_MISSING)
    assert done == [("move-latest", name) for name in shop.regions]
    assert in_all(shop) == ["2.0.0"] * 3


def test_behind(shop: Shop) -> None:
    """A region that was left behind is moved forward."""
    shop.stage()
    old = shop.b.text(shop.latest)
    shop.stage("2.0.0")
    shop.b.write(shop.latest, old)

    found = [f for f in shop.found() if f[0] is not Kind.COPY_DIFFERS]
    done = shop.mended()

    assert found == [(Kind.LATEST_BEHIND, shop.b.spelling)]
    assert done == [("move-latest", shop.b.spelling)]
    pointer = json.loads(shop.b.text(shop.latest))
    assert (pointer["version"], pointer["previous"]) == ("2.0.0", "1.0.0")
    assert pointer["generation"] == json.loads(old)["generation"] + 1


def test_equal_precedence_is_not_behind(corner_shop: Shop) -> None:
    """Regions whose ``latest`` differs in build metadata alone stay as they are."""
    shop = corner_shop
    shop.stage("1.0.0+a")
    shop.stage("1.0.0+b", OTHER)
    shop.b.write(shop.latest, shop.a.text(shop.latest).replace("+a", "+b"))

    found = shop.verify()
    done = shop.repair()

    assert found
    assert done
    assert done.steps == ()


def test_version_that_is_missing_here(shop: Shop) -> None:
    """A ``latest`` that points at a version this region lacks is sound once it is filled."""
    shop.stage()
    shop.b.remove(shop.key)

    found = shop.found()
    done = shop.mended()

    assert found == [(Kind.MISSING, shop.b.spelling), (Kind.LATEST_DANGLING, shop.b.spelling)]
    assert done == [("fill", shop.b.spelling)]


def test_version_that_nobody_has(shop: Shop) -> None:
    """A ``latest`` that points at nothing does not go back; it says what would help."""
    shop.stage()
    shop.stage("2.0.0", OTHER)
    for place in shop.places:
        place.remove(shop.at("2.0.0"))

    found = shop.found()
    said = shop.refused()
    shop.stage("2.0.0", OTHER)

    assert found == names(shop, Kind.LATEST_DANGLING)
    assert "is 2.0.0, which no region that answered holds" in said
    assert "latest never goes back: stage 2.0.0 again, or a later version" in said
    assert shop.verify()


def test_nothing_but_latest(shop: Shop) -> None:
    """A project of which nothing is left but ``latest`` is not absent."""
    shop.stage()
    for place in shop.places:
        place.remove(shop.key)

    found = shop.found()
    said = shop.refused()

    assert found == names(shop, Kind.LATEST_DANGLING)
    assert "is 1.0.0, which no region that answered holds" in said


def test_dangling_where_a_later_version_is(corner_shop: Shop) -> None:
    """A ``latest`` that points at nothing can be moved forward to what is there."""
    shop = corner_shop
    shop.stage()
    old = shop.a.text(shop.latest)
    shop.stage("2.0.0", OTHER)
    for place in shop.places:
        place.write(shop.latest, old)
        place.remove(shop.key)

    found = shop.found()
    done = shop.mended()

    assert (Kind.LATEST_BEHIND, shop.a.spelling) in found
    assert (Kind.LATEST_DANGLING, shop.a.spelling) in found
    assert done == [("move-latest", name) for name in shop.regions]


@pytest.mark.parametrize("text", [JUNK["text"], JUNK["large"]], ids=["text", "large"])
def test_damaged(shop: Shop, text: str) -> None:
    """A ``latest`` that cannot be read is replaced by where it is elsewhere."""
    shop.stage()
    shop.stage("2.0.0", OTHER)
    shop.b.write(shop.latest, text)

    found = shop.found()
    done = shop.mended()

    assert found == [(Kind.LATEST_DAMAGED, shop.b.spelling)]
    assert done == [("move-latest", shop.b.spelling)]
    assert in_all(shop) == ["2.0.0"] * 3


@pytest.mark.parametrize("text", JUNK.values(), ids=JUNK)
def test_damaged_everywhere(corner_shop: Shop, text: str) -> None:
    """Where no region's ``latest`` can be read, it begins again at the latest version."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER)
    for place in shop.places:
        place.write(shop.latest, text)

    found = shop.found()
    done = shop.mended()

    assert found == names(shop, Kind.LATEST_DAMAGED)
    assert done == [("move-latest", name) for name in shop.regions]
    assert in_all(shop) == ["2.0.0"] * 3


def test_bytes_that_are_no_text(corner_shop: Shop) -> None:
    """A ``latest`` can be damaged down to its bytes."""
    shop = corner_shop
    shop.stage()
    shop.b.plain(shop.latest, b"\xff\xfe\x00\x80")

    found = shop.found()
    done = shop.mended()

    assert found == [(Kind.LATEST_DAMAGED, shop.b.spelling)]
    assert done == [("move-latest", shop.b.spelling)]


def test_damaged_without_any_version(corner_shop: Shop) -> None:
    """A ``latest`` that cannot be read stays where there is no version it could point at."""
    shop = corner_shop
    shop.b.write(shop.latest, "not JSON")

    found = shop.found()
    said = shop.refused()

    assert found == [(Kind.LATEST_DAMAGED, shop.b.spelling)]
    assert "there is no version that it could point at" in said
    assert "Stage a version, then run this again" in said


def test_damaged_by_another_meanwhile(corner_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else has put in the place of a damaged ``latest`` is not replaced."""
    shop = corner_shop
    shop.stage()
    sound = shop.b.text(shop.latest)
    shop.b.write(shop.latest, "not JSON")
    session = shop.session()
    region = session._regions()[1]
    look = region.read_channel
    looks = iter([None])

    def read(key: object) -> object:
        seen = look(key)  # type: ignore[arg-type]
        if next(looks, 0) is None:
            shop.b.write(shop.latest, sound)
        return seen

    monkeypatch.setattr(region, "read_channel", read)

    done = session.repair(shop.project)

    assert "changed meanwhile" in str(done.failures[shop.b.spelling])
    assert shop.b.text(shop.latest) == sound


def test_latest_does_not_move_to_what_is_disputed(corner_shop: Shop) -> None:
    """A version that regions disagree about moves no ``latest``, even where another is at it."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER)
    shop.forge(shop.b, shop.at("2.0.0"), CONTENT)
    for place in shop.places[:2]:
        shop.lose_latest(place)

    found = shop.found()
    said = shop.refused()

    assert found[-2:] == names(shop, Kind.LATEST_MISSING, 2)
    assert said.startswith(f"regions disagree about {shop.at('2.0.0')}")


def test_latest_does_not_begin_below_what_is_disputed(corner_shop: Shop) -> None:
    """Where too few know where it was, it does not begin below a version that is disputed."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER)
    shop.forge(shop.b, shop.at("2.0.0"), CONTENT)
    for place in shop.places:
        shop.lose_latest(place)

    said = shop.refused()

    assert "may have been 2.0.0, which regions disagree about" in said
    assert f"Settle {shop.at('2.0.0')} first" in said


def test_latest_follows_once_it_is_settled(corner_shop: Shop) -> None:
    """After a person's word about the version, ``latest`` can be moved to it."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", OTHER)
    shop.forge(shop.b, shop.at("2.0.0"), CONTENT)
    for place in shop.places:
        shop.lose_latest(place)
    digest = shop.session().get(shop.project, "2.0.0").sha256

    shop.mended("2.0.0", keep=f"sha256:{digest}")
    done = shop.mended()

    assert done == [("move-latest", name) for name in shop.regions]
    assert in_all(shop) == ["2.0.0"] * 3


def test_disputed_version_moves_nothing(corner_shop: Shop) -> None:
    """A version that two stagers have won in different regions stays out of ``latest``."""
    shop = corner_shop
    shop.stage()
    shop.stage("2.0.0", CONTENT, regions=shop.regions[:1])
    shop.stage("2.0.0", OTHER, regions=shop.regions[1:2])
    for place in shop.places[:2]:
        place.write(shop.latest, shop.c.text(shop.latest))

    found = shop.found()
    said = shop.refused()

    assert found == [
        (Kind.DIFFERENT, shop.a.spelling),
        (Kind.DIFFERENT, shop.b.spelling),
        (Kind.MISSING, shop.c.spelling),
    ]
    assert "regions disagree about" in said
    assert in_all(shop) == ["1.0.0"] * 3


def test_a_version_alone_leaves_latest(corner_shop: Shop) -> None:
    """Looking at one version, or mending it, has nothing to do with ``latest``."""
    shop = corner_shop
    shop.stage()
    shop.lose_latest(shop.b)

    assert shop.verify("1.0.0")
    assert shop.repair("1.0.0").steps == ()
    assert shop.found() == [(Kind.LATEST_MISSING, shop.b.spelling)]


# Copies in SSM -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["1.0.0", "9.9.9", "junk", "v2.0.0", "{{x}} \x1b[2J", None],
    ids=["stale", "ahead", "junk", "prefixed", "hostile", "deleted"],
)  # fmt: skip
def test_copy(market: Shop, value: str | None) -> None:
    """A copy of ``latest`` that is not what it should be is found, and made again."""
    shop = market
    shop.stage()
    shop.stage("2.0.0", OTHER)
    if value is None:
        shop.ssm(shop.b).delete_parameter(Name=shop.parameter)
    else:
        shop.show(shop.b, value)

    verification = shop.verify()
    done = shop.mended()

    assert [(d.kind, d.region) for d in verification.differences] == [
        (Kind.COPY_DIFFERS, "eu-west-1")
    ]
    assert verification.differences[0].message.endswith(", expected 2.0.0")
    assert verification.differences[0].message.isprintable()
    assert done == [("refresh-copy", "eu-west-1")]
    assert [shop.shown(place) for place in shop.places] == ["2.0.0"] * 3


def test_copy_that_cannot_be_made(market: Shop) -> None:
    """A copy that is refused is a failure of that region, and not a success."""
    shop = market
    shop.stage()
    shop.show(shop.b, "0.1.0")
    assert isinstance(shop.b, Bucket)
    assert shop.b.wire is not None
    shop.b.wire.add(
        lambda request, forward: (
            ssm_error("AccessDeniedException")
            if (request.operation, request.region) == ("PutParameter", "eu-west-1")
            else forward()
        )
    )

    done = shop.repair()

    assert actions(done) == []
    assert isinstance(done.failures["eu-west-1"], errors.AccessDeniedError)
    assert "ssm:PutParameter" in str(done.failures["eu-west-1"])


def test_copy_of_a_dangling_latest(market: Shop) -> None:
    """A copy follows ``latest`` even where that has to wait for somebody to stage again."""
    shop = market
    shop.stage()
    shop.show(shop.b, "0.1.0")
    for place in shop.places:
        place.remove(shop.key)

    done = shop.repair()

    assert actions(done) == [("refresh-copy", "eu-west-1")]
    assert len(done.refusals) == 3
    assert shop.shown(shop.b) == "1.0.0"


def test_channel_that_is_only_a_parameter(market: Shop) -> None:
    """Where there is no channel object, the parameter is the value, and nothing is missing."""
    shop = market
    shop.stage()
    shop.b.erase(shop.latest)

    assert shop.verify()


def test_parameter_that_is_junk_and_alone(market: Shop) -> None:
    """A parameter that cannot be read, without a channel object, is damaged, and replaced."""
    shop = market
    shop.stage()
    shop.b.erase(shop.latest)
    shop.show(shop.b, "junk")

    found = shop.found()
    done = shop.mended()

    assert found == [(Kind.LATEST_DAMAGED, "eu-west-1")]
    assert done == [("move-latest", "eu-west-1")]
    assert (shop.b.latest(shop.project), shop.shown(shop.b)) == ("1.0.0", "1.0.0")
