"""Stored values with damaged bytes: as a disk would damage them, and forged, with a valid checksum over a damaged body.

The frame of a stored value is described in core/src/base/wire.rs. Its checksum is XXH3-64, of which only the form for bodies
longer than 240 bytes is here.
"""

import struct

HEADER, SHORTEST = 16, 241
MASK = (1 << 64) - 1
PRIME32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
PRIME64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
STRIPE, BLOCK = 64, 1024
# Varints that are the largest, the largest signed, too long, padded, and 0.
VARINTS = (b"\xff" * 9 + b"\x01", b"\xfe" + b"\xff" * 8 + b"\x01", b"\xff" * 11, b"\x80\x00", b"\x00")


def words(data, at=0):
    return struct.unpack_from("<8Q", data, at)


def accumulate(sums, stripe, secret):
    for lane, (word, key) in enumerate(zip(stripe, secret)):
        keyed = word ^ key
        sums[lane ^ 1] = (sums[lane ^ 1] + word) & MASK
        sums[lane] = (sums[lane] + (keyed & 0xFFFFFFFF) * (keyed >> 32)) & MASK


def scramble(sums):
    for lane, key in enumerate(words(SECRET, len(SECRET) - STRIPE)):
        sums[lane] = ((sums[lane] ^ sums[lane] >> 47 ^ key) * PRIME32[0]) & MASK


def folded(left, right):
    product = left * right
    return (product & MASK) ^ (product >> 64)


def xxh3_64(data):
    """XXH3-64 of more than 240 bytes, without a seed."""
    if len(data) < SHORTEST:
        raise ValueError("the forms of XXH3 for short inputs are not implemented")
    sums = [PRIME32[2], *PRIME64[:4], PRIME32[1], PRIME64[4], PRIME32[0]]
    last = (len(data) - 1) // BLOCK * BLOCK
    for block in range(0, last + 1, BLOCK):
        end = block + BLOCK if block < last else block + (len(data) - 1 - block) // STRIPE * STRIPE
        for number, at in enumerate(range(block, end, STRIPE)):
            accumulate(sums, words(data, at), words(SECRET, 8 * number))
        if block < last:
            scramble(sums)
    accumulate(sums, words(data, len(data) - STRIPE), words(SECRET, len(SECRET) - STRIPE - 7))
    keyed = [word ^ key for word, key in zip(sums, words(SECRET, 11))]
    merged = (len(data) * PRIME64[0] + sum(folded(*keyed[at:at + 2]) for at in range(0, 8, 2))) & MASK
    merged = ((merged ^ merged >> 37) * 0x165667919E3779F9) & MASK
    return merged ^ merged >> 32


def framed(value, body):
    """A body in the frame of another value, with its own length and checksum."""
    return value[:4] + struct.pack("<IQ", len(body), xxh3_64(body)) + body


def damaged(value, drawn):
    """What a disk or a client could make of a value: nothing of it is valid."""
    lengths = [0, 1, HEADER - 1, HEADER, HEADER + 1, len(value) // 2, len(value) - 1]
    yield from (value[:length] for length in lengths if length < len(value))
    yield value + b"\0"
    for at in [*range(HEADER), *drawn.sample(range(HEADER, len(value)), 4)]:
        yield value[:at] + bytes([value[at] ^ 1 << drawn.randrange(8)]) + value[at + 1:]


def forged(value, drawn, count):
    """Values with valid checksums, of bodies that were changed at random: some may be valid values."""
    body = value[HEADER:]
    for number in range(count):
        # What governs the rest, as counts do, is at the beginning.
        at = drawn.randrange(min(16, len(body)) if number % 2 else len(body))
        piece = drawn.choice([bytes([drawn.randrange(256)]), bytes([body[at] ^ 1]), bytes([(body[at] + 1) % 256]), *VARINTS])
        kept = body[at + drawn.choice((0, 1, 1, 1, 8)):] if number % 8 else b""
        changed = body[:at] + piece + kept
        if len(changed) >= SHORTEST:
            yield framed(value, changed)
