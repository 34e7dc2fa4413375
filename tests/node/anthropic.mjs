// The official `@anthropic-ai/sdk` package: messages, whole and through its stream helper.

import Anthropic from "@anthropic-ai/sdk";
import { TOOLS, failed, run, told } from "./jobs.mjs";

function messages(turns) {
  return turns.map((turn) => {
    if (turn.role === "user") return { role: "user", content: turn.text };
    const { id, name, arguments: input, text } = turn;
    if (turn.role === "result")
      return { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: text }] };
    return { role: "assistant", content: [{ type: "tool_use", id, name, input }] };
  });
}

async function message(client, job) {
  const request = { model: job.model, max_tokens: 100, messages: messages(job.turns) };
  if (job.tools) {
    request.tools = TOOLS.map(({ name, description, schema }) => ({ name, description, input_schema: schema }));
  }
  let answer;
  let streamed = null;
  if (job.stream) {
    const stream = client.messages.stream(request);
    streamed = "";
    stream.on("text", (piece) => (streamed += piece));
    answer = await stream.finalMessage();
  } else {
    answer = await client.messages.create(request);
  }
  const texts = answer.content.filter((block) => block.type === "text").map((block) => block.text);
  if (streamed !== null && streamed !== texts.join("")) throw new Error("the deltas say something else");
  const refused = answer.stop_reason === "refusal"; // a call that was begun is not to be made
  const calls = refused ? [] : answer.content.filter((block) => block.type === "tool_use");
  const thoughts = answer.content.filter((block) => block.type === "thinking").map((block) => block.thinking);
  return told({
    text: texts.join("\n\n"),
    calls: calls.map((block) => [block.name, block.input]),
    finish: answer.stop_reason,
    reasoning: thoughts.length ? thoughts.join("") : null,
    usage: [answer.usage.input_tokens, answer.usage.output_tokens],
  });
}

await run((base_url, key) => {
  const baseURL = base_url.replace(/\/v1$/, "");
  const client = new Anthropic({ baseURL, apiKey: key, maxRetries: 0, timeout: 30_000 });
  return async (job) => {
    try {
      return await message(client, job);
    } catch (error) {
      if (error instanceof Anthropic.APIError && error.status)
        return failed(error.constructor.name, error.error?.error ?? error.error, error.status);
      throw error;
    }
  };
});
