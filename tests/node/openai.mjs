// The official `openai` package for Node: chat completions and responses, whole and through its stream helpers.

import OpenAI from "openai";
import { TOOLS, broken, failed, run, told } from "./jobs.mjs";

const parsed = (name, text) => [name, JSON.parse(text)];

function chatMessages(turns) {
  return turns.map((turn) => {
    if (turn.role === "user") return { role: "user", content: turn.text };
    if (turn.role === "result") return { role: "tool", tool_call_id: turn.id, content: turn.text };
    const called = { name: turn.name, arguments: JSON.stringify(turn.arguments) };
    return { role: "assistant", content: null, tool_calls: [{ id: turn.id, type: "function", function: called }] };
  });
}

async function chat(client, job) {
  const request = { model: job.model, messages: chatMessages(job.turns) };
  if (job.tools) {
    request.tools = TOOLS.map(({ name, description, schema }) => ({
      type: "function",
      function: { name, description, parameters: schema },
    }));
  }
  let answer;
  let streamed = null;
  if (job.stream) {
    const stream = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    streamed = "";
    stream.on("content", (piece) => (streamed += piece));
    answer = await stream.finalChatCompletion();
  } else {
    answer = await client.chat.completions.create(request);
  }
  const { message, finish_reason: finish } = answer.choices[0];
  if (streamed !== null && streamed !== (message.content ?? "")) throw new Error("the deltas say something else");
  const calls = finish === "content_filter" ? [] : (message.tool_calls ?? []);
  return told({
    text: message.content ?? "",
    calls: calls.map((call) => parsed(call.function.name, call.function.arguments)),
    finish,
    // The stream helper keeps the last piece only of a field that it does not know.
    reasoning: job.stream ? null : (message.reasoning_content ?? null),
    usage: answer.usage ? [answer.usage.prompt_tokens, answer.usage.completion_tokens] : null,
  });
}

function responseInput(turns) {
  return turns.map((turn) => {
    if (turn.role === "user") return { role: "user", content: turn.text };
    if (turn.role === "result") return { type: "function_call_output", call_id: turn.id, output: turn.text };
    return { type: "function_call", call_id: turn.id, name: turn.name, arguments: JSON.stringify(turn.arguments) };
  });
}

async function responses(client, job) {
  const request = { model: job.model, input: responseInput(job.turns) };
  if (job.tools) {
    request.tools = TOOLS.map(({ name, description, schema }) => ({
      type: "function",
      name,
      description,
      parameters: schema,
      strict: false,
    }));
  }
  let answer;
  if (job.stream) {
    let text = "";
    const stream = client.responses.stream(request);
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") text += event.delta;
      if (event.type === "error") return broken(event.code, event.message, text);
    }
    answer = await stream.finalResponse();
    const final = answer.output_text;
    if (final !== text) throw new Error(`the deltas say something else: ${text} / ${final}`);
  } else {
    answer = await client.responses.create(request);
  }
  const thoughts = answer.output.filter((item) => item.type === "reasoning").flatMap((item) => item.summary);
  return told({
    text: answer.output_text,
    calls: answer.output
      .filter((item) => item.type === "function_call")
      .map((item) => parsed(item.name, item.arguments)),
    finish: answer.incomplete_details?.reason ?? answer.status,
    reasoning: thoughts.length ? thoughts.map((part) => part.text).join("") : null,
    usage: answer.usage ? [answer.usage.input_tokens, answer.usage.output_tokens] : null,
  });
}

await run((base_url, key) => {
  const client = new OpenAI({ baseURL: base_url, apiKey: key, maxRetries: 0, timeout: 30_000 });
  return async (job) => {
    try {
      return await (job.protocol === "chat" ? chat : responses)(client, job);
    } catch (error) {
      if (error instanceof OpenAI.APIError && error.status) return failed(error.constructor.name, error.error, error.status);
      throw error;
    }
  };
});
