// What the drivers of the Node clients share: jobs in on standard input, results out on standard output.
//
// The rule is that of tests/matrix/python_clients.py: a driver only translates, and reports what its client reports;
// `reasoning` and `usage` are null where the client shows none.
// Input: {"base_url", "key", "jobs": [...]}. Output: {"<id of a job>": result}. An error that is none of the client's own
// API errors is reported as {"bug": ...} and fails the test.

const AT_ONCE = 4;

export const TOOLS = [
  {
    name: "send_mail",
    description: "Sends a mail.",
    schema: {
      type: "object",
      properties: { to: { type: "string" }, body: { type: "string" } },
      required: ["to", "body"],
    },
  },
  {
    name: "take_note",
    description: "Takes a note.",
    schema: { type: "object", properties: { note: { type: "string" } }, required: ["note"] },
  },
];

export function told({ text = "", calls = [], finish = "", reasoning = null, usage = null }) {
  return { text, calls, finish, reasoning, usage };
}

// `name` of the client's error; `inner` is the object under "error" in the answer.
export function failed(name, inner, status) {
  return { error: name, status: status ?? null, code: inner?.code ?? null, message: inner?.message };
}

export function broken(code, message, text) {
  return { error: "error event", status: null, code, message, text };
}

// Runs every job through `drive(job)`, a few at a time.
export async function run(connect) {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const { base_url, key, jobs } = JSON.parse(Buffer.concat(chunks).toString());
  const drive = connect(base_url, key);
  const results = {};
  const waiting = [...jobs];
  const worker = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      try {
        results[job.id] = await drive(job);
      } catch (error) {
        results[job.id] = { bug: `${error?.stack ?? error}` };
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  process.stdout.write(JSON.stringify(results));
}
