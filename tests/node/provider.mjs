// A real identity provider (npm oidc-provider) on loopback. Says its port; then takes its clients, one JSON array on a
// line of standard input, and says "ready". Ends with standard input. Whoever signs in is in the group "staff".
import http from "node:http";
import { createInterface } from "node:readline";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";

let handler = (request, response) => response.writeHead(503).end();
const server = http.createServer((request, response) => handler(request, response));
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://localhost:${server.address().port}`;
console.log(server.address().port);

const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: "one" };

for await (const line of createInterface({ input: process.stdin })) {
  const provider = new Provider(issuer, {
    clients: JSON.parse(line),
    jwks: { keys: [key] },
    cookies: { keys: ["for tests only"] },
    claims: { openid: ["sub", "name", "groups"] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true } },
    // Its own refuses addresses of this machine.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id, name: `${id} of staff`, groups: ["staff"] }) }),
  });
  provider.on("server_error", (context, error) => console.error(error));
  provider.on("backchannel.error", (context, error) => console.error(error));
  handler = provider.callback();
  console.log("ready");
}
process.exit(0);
