"""The tree: published vectors, an independent reading of the RFC, and laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.ledger.merkle import (
    BLOCK,
    EMPTY_ROOT,
    Edge,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.ledger import independent

# The reference leaves of Certificate Transparency, their roots and proofs, as published with RFC 6962's libraries:
# github.com/transparency-dev/merkle, testonly/constants.go and proof/verify_test.go.
CT_LEAVES = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): CT_INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


class Leaves:
    """Data, their leaf hashes, and the subtrees that proofs ask for."""

    def __init__(self, data: list[bytes]) -> None:
        self.data = data
        self.hashes = [leaf_hash(one) for one in data]

    def subtree(self, start: int, end: int) -> bytes:
        assert start % (1 << max(end - start - 1, 0).bit_length()) == 0
        return root_of(self.hashes[start:end])


MANY = Leaves([b"%d" % number for number in range(300)])
sizes = st.integers(1, 300)


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    assert root_of(map(leaf_hash, CT_LEAVES[:size])).hex() == CT_ROOTS[size]
    assert independent.mth(CT_LEAVES[:size]).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_published_inclusion_proofs(index: int, size: int) -> None:
    tree = Leaves(CT_LEAVES)
    proof = inclusion_proof(index, size, tree.subtree)
    assert [one.hex() for one in proof] == CT_INCLUSION[index, size]
    assert verify_inclusion(tree.hashes[index], index, size, proof, bytes.fromhex(CT_ROOTS[size]))


@pytest.mark.parametrize(("first", "second"), CT_CONSISTENCY)
def test_published_consistency_proofs(first: int, second: int) -> None:
    proof = consistency_proof(first, second, Leaves(CT_LEAVES).subtree)
    assert [one.hex() for one in proof] == CT_CONSISTENCY[first, second]
    assert verify_consistency(first, second, *(bytes.fromhex(CT_ROOTS[n]) for n in (first, second)), proof)


@given(sizes, st.data())
def test_inclusion_proofs_are_those_of_the_rfc_and_each_side_accepts_the_others(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    ours = inclusion_proof(index, size, MANY.subtree)
    theirs = independent.path(index, MANY.data[:size])
    root = independent.mth(MANY.data[:size])
    assert ours == theirs
    assert root == root_of(MANY.hashes[:size])
    assert independent.included(MANY.data[index], index, size, ours, root)
    assert verify_inclusion(MANY.hashes[index], index, size, theirs, root)


@given(sizes, st.data())
def test_consistency_proofs_are_those_of_the_rfc_and_each_side_accepts_the_others(
    second: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, second))
    ours = consistency_proof(first, second, MANY.subtree)
    assert ours == independent.proof(first, MANY.data[:second])
    roots = (root_of(MANY.hashes[:first]), root_of(MANY.hashes[:second]))
    assert independent.consistent(first, second, *roots, ours)
    assert verify_consistency(first, second, *roots, ours)


@given(sizes, st.data())
def test_nothing_else_is_proven_included(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, MANY.subtree)
    root = root_of(MANY.hashes[:size])
    leaf = MANY.hashes[index]
    other = data.draw(st.integers(-1, size + 1).filter(lambda one: one != index))
    assert not verify_inclusion(leaf, other, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, leaf_hash(b""))
    assert not verify_inclusion(leaf, index, size, [*proof, leaf], root)
    assert not verify_inclusion(leaf, index, size, [leaf, *proof], root)
    if proof:
        assert not verify_inclusion(leaf, index, size, proof[:-1], root)
        place = data.draw(st.integers(0, len(proof) - 1))
        assert not verify_inclusion(leaf, index, size, [*proof[:place], leaf_hash(b"x"), *proof[place + 1 :]], root)


@given(sizes, st.data())
def test_nothing_else_is_proven_consistent(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    proof = consistency_proof(first, second, MANY.subtree)
    old, new = root_of(MANY.hashes[:first]), root_of(MANY.hashes[:second])
    forged = root_of([leaf_hash(b"forged"), *MANY.hashes[1:first]])
    assert not verify_consistency(first, second, forged, new, proof)
    assert not verify_consistency(first, second, old, forged, proof)
    assert not verify_consistency(first, second, old, new, [*proof, old])
    assert not verify_consistency(second + 1, second, old, new, proof)
    if proof:
        assert not verify_consistency(first, second, old, new, proof[1:])
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], leaf_hash(b"x"), *proof[place + 1 :]]
        assert not verify_consistency(first, second, old, new, changed)
        for other in {first - 1, first + 1} - {0}:
            assert not verify_consistency(other, second, old, new, proof)


def test_from_nothing_everything_follows() -> None:
    root = root_of(MANY.hashes[:7])
    assert consistency_proof(0, 7, MANY.subtree) == []
    assert verify_consistency(0, 7, EMPTY_ROOT, root, [])
    assert not verify_consistency(0, 7, root, root, [])
    assert not verify_consistency(0, 7, EMPTY_ROOT, root, [root])


@given(st.lists(st.integers(0, 90), max_size=12))
def test_however_leaves_are_grouped_the_edge_is_that_of_the_tree(groups: list[int]) -> None:
    edge, size = Edge(), 0
    leaves = [leaf_hash(b"%d" % number) for number in range(sum(groups))]
    blocks: dict[int, bytes] = {}
    for group in groups:
        first = edge.size >> BLOCK
        blocks.update(enumerate(edge.extend(leaves[size : size + group]), first))
        size += group
        assert edge.size == size
        assert edge.root() == root_of(leaves[:size])
    width = 1 << BLOCK
    assert blocks == {n: root_of(leaves[n * width : (n + 1) * width]) for n in range(size >> BLOCK)}


@given(st.integers(0, 1100), st.integers(0, 300))
def test_blocks_and_other_edges_join_to_the_same_tree(size: int, more: int) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(size + more)]
    width = 1 << BLOCK
    whole = size >> BLOCK
    edge = Edge()
    edge.extend((root_of(leaves[n * width : (n + 1) * width]) for n in range(whole)), BLOCK)
    rest = Edge()
    rest.extend(leaves[whole * width : size])
    edge.join(rest.size, rest.peaks())
    assert edge.root() == root_of(leaves[:size])
    copy = edge.copy()
    copy.extend(leaves[size:])
    assert copy.root() == root_of(leaves)
    assert edge.root() == root_of(leaves[:size])


def test_a_subtree_must_begin_where_the_tree_ends() -> None:
    edge = Edge()
    edge.extend(MANY.hashes[:3])
    with pytest.raises(ValueError, match="begins"):
        edge.extend([EMPTY_ROOT], 1)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(index, size, MANY.subtree)
    with pytest.raises(ValueError, match="larger"):
        consistency_proof(size + 1, size, MANY.subtree)
