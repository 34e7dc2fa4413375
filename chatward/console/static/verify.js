// Verifies proofs of replies and the manifest with the keys, as chatward/genuine/proof.py and manifest.py say it. Needs Web
// Cryptography with Ed25519 (W3C WebCrypto Level 2) and nothing else: it runs in browsers and in Node, and asks nobody.

const MAX_PROOF = 16384;
const MAX_AHEAD = 120;
const NAMES = ["conversation", "digests", "origin", "previous", "sequence", "time"];
const DIGEST = /^[A-Za-z0-9_-]{43}$/;
const encoder = new TextEncoder();

export class ProofError extends Error {
  constructor(reason, text) {
    super(text);
    this.reason = reason;
  }
}

// RFC 8785 for strings, whole numbers and lists and objects of those.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

function toBase64url(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function fromBase64url(text) {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text)) throw malformed();
  let raw;
  try {
    raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  } catch {
    throw malformed();
  }
  const bytes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  if (toBase64url(bytes) !== text) throw malformed();
  return bytes;
}

async function sha256(bytes) {
  return toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

// The digest of one part: a text, or {name, arguments} of a tool call.
export async function digest(part) {
  if (typeof part === "string") return sha256(encoder.encode(part));
  const both = await Promise.all([part.name, part.arguments].map((said) => sha256(encoder.encode(said))));
  return sha256(Uint8Array.from(both.flatMap((one) => [...fromBase64url(one)])));
}

export function parse(text) {
  if (typeof text !== "string" || text.length > MAX_PROOF) throw malformed();
  let given;
  try {
    given = JSON.parse(text);
  } catch {
    throw malformed();
  }
  if (given === null || typeof given !== "object" || Array.isArray(given)) throw malformed();
  const { signature, ...claims } = given;
  const good =
    typeof signature === "string" &&
    Object.keys(claims).join() === NAMES.join() &&
    NAMES.filter((name) => !["digests", "sequence", "time"].includes(name)).every((name) => typeof claims[name] === "string") &&
    Array.isArray(claims.digests) && claims.digests.length <= 128 &&
    claims.digests.every((one) => typeof one === "string" && DIGEST.test(one)) &&
    /^https?:\/\/[A-Za-z0-9.\-[\]:]{1,255}$/.test(claims.origin) &&
    /^[A-Za-z0-9_-]{1,64}$/.test(claims.conversation) &&
    Number.isSafeInteger(claims.sequence) && claims.sequence >= 1 &&
    Number.isSafeInteger(claims.time) && claims.time >= 0 &&
    (claims.sequence === 1 ? claims.previous === "" : DIGEST.test(claims.previous));
  if (!good || `${canonical(claims).slice(0, -1)},"signature":${JSON.stringify(signature)}}` !== text) throw malformed();
  return { claims, signature };
}

// Which key a detached JWS names, and what it signs.
function opened(signature, type, payload) {
  const parts = String(signature).split(".");
  if (parts.length !== 3 || parts[1] !== "") throw malformed();
  const raw = new TextDecoder().decode(fromBase64url(parts[0]));
  let header;
  try {
    header = JSON.parse(raw);
  } catch {
    throw malformed();
  }
  const good = header && Object.keys(header).join() === "alg,kid,typ" && header.alg === "EdDSA" && header.typ === type &&
    typeof header.kid === "string" && canonical(header) === raw;
  if (!good) throw malformed();
  const signed = encoder.encode(`${parts[0]}.${toBase64url(encoder.encode(canonical(payload)))}`);
  return { kid: header.kid, signed, value: fromBase64url(parts[2]) };
}

async function holds(jwk, { signed, value }) {
  let key;
  try {
    key = await crypto.subtle.importKey("jwk", { kty: "OKP", crv: "Ed25519", x: jwk.x }, { name: "Ed25519" }, false, ["verify"]);
  } catch (error) {
    if (error?.name === "NotSupportedError") throw new ProofError("unsupported", "This browser cannot check signatures.");
    throw malformed();
  }
  return crypto.subtle.verify({ name: "Ed25519" }, key, value, signed);
}

async function keysOf(manifest) {
  const found = new Map();
  if (!Array.isArray(manifest?.keys)) throw malformed();
  for (const jwk of manifest.keys) {
    const good = jwk?.kty === "OKP" && jwk.crv === "Ed25519" && !("d" in jwk) && !found.has(jwk.kid) &&
      [jwk.not_before, jwk.not_after ?? 0, jwk.revoked ?? 0].every(Number.isSafeInteger) &&
      (await sha256(encoder.encode(`{"crv":"Ed25519","kty":"OKP","x":"${jwk.x}"}`))) === jwk.kid;
    if (!good) throw malformed();
    found.set(jwk.kid, jwk);
  }
  return found;
}

// A manifest of this origin that may be used now; `kept` is one that was verified before.
export async function verifyManifest(manifest, { origin, now = Date.now() / 1000, kept } = {}) {
  if (manifest?.origin !== origin) throw new ProofError("manifest-origin", "The manifest is of another site.");
  const { signatures, ...rest } = manifest;
  const keys = await keysOf(manifest);
  if (!Array.isArray(signatures) || signatures.length < 1 || signatures.length > 8) throw malformed();
  const signers = new Set();
  for (const one of signatures) {
    const found = opened(one, "chatward-manifest", rest);
    const jwk = keys.get(found.kid);
    if (!jwk || "revoked" in jwk || !(await holds(jwk, found))) {
      throw new ProofError("manifest-signature", "A signature is not of this manifest.");
    }
    signers.add(found.kid);
  }
  if (!(manifest.issued - MAX_AHEAD <= now && now < manifest.expires)) {
    throw new ProofError("manifest-expired", "The manifest's time has not come, or is over.");
  }
  if (kept) {
    const known = [...(await keysOf(kept))].some(([kid, jwk]) => signers.has(kid) && !("revoked" in jwk));
    if (!known) throw new ProofError("manifest-break", "No key that was known before signed this manifest.");
    if (manifest.issued < kept.issued) throw new ProofError("manifest-older", "A newer manifest was seen.");
  }
  return manifest;
}

// The claims of a proof that holds. `parts`: the whole reply; `text`: one text of it; neither: only who said it.
export async function verifyProof(text, { manifest, origin = manifest.origin, parts, text: said, now = Date.now() / 1000 }) {
  const { claims, signature } = parse(text);
  const found = opened(signature, "chatward-proof", claims);
  const jwk = (await keysOf(manifest)).get(found.kid);
  if (!jwk || "revoked" in jwk || claims.time < jwk.not_before || claims.time > (jwk.not_after ?? claims.time)) {
    throw new ProofError("proof-key-unknown", "It is signed by a key that is not named, or no longer.");
  }
  if (!(await holds(jwk, found))) throw new ProofError("proof-signature", "The signature is not of these claims.");
  if (claims.origin !== origin) throw new ProofError("proof-origin", "It is of another site.");
  if (parts) {
    const digests = await Promise.all(parts.map(digest));
    if (digests.join() !== claims.digests.join()) throw new ProofError("proof-content", "It is of another text.");
  }
  if (said !== undefined && !claims.digests.includes(await digest(said))) {
    throw new ProofError("proof-content", "It is of another text.");
  }
  if (claims.time > now + MAX_AHEAD) throw new ProofError("proof-time", "Its time has not come.");
  return claims;
}

// What the next proof of the conversation names as `previous`.
export function proofDigest(text) {
  return sha256(encoder.encode(parse(text).signature));
}

function malformed() {
  return new ProofError("proof-malformed", "This is no proof.");
}
