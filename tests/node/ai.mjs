// Vercel's `ai` package with its OpenAI provider (chat and responses) and its Anthropic provider.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateText, jsonSchema, streamText, tool } from "ai";
import { TOOLS, broken, failed, run, told } from "./jobs.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

function messages(turns) {
  return turns.map((turn) => {
    if (turn.role === "user") return { role: "user", content: turn.text };
    const { id: toolCallId, name: toolName } = turn;
    if (turn.role === "call")
      return { role: "assistant", content: [{ type: "tool-call", toolCallId, toolName, input: turn.arguments }] };
    const output = { type: "text", value: turn.text };
    return { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] };
  });
}

function offered() {
  return Object.fromEntries(
    TOOLS.map(({ name, description, schema }) => [name, tool({ description, inputSchema: jsonSchema(schema) })]),
  );
}

const tokens = (usage) => (usage?.inputTokens === undefined ? null : [usage.inputTokens, usage.outputTokens]);
const called = (calls, finish) =>
  finish === "content-filter" ? [] : calls.map((call) => [call.toolName, call.input]);

async function whole(request) {
  const { text, toolCalls, finishReason, reasoningText, usage } = await generateText(request);
  return told({
    text,
    calls: called(toolCalls, finishReason),
    finish: finishReason,
    reasoning: reasoningText ?? null,
    usage: tokens(usage),
  });
}

async function streamed(request) {
  const texts = new Map();
  const calls = [];
  let reasoning = null;
  let finish = "";
  let usage = null;
  const said = () => [...texts.values()].join("\n\n");
  for await (const part of streamText({ ...request, onError: () => {} }).fullStream) {
    if (part.type === "text-delta") texts.set(part.id, (texts.get(part.id) ?? "") + part.text);
    else if (part.type === "reasoning-delta") reasoning = (reasoning ?? "") + part.text;
    else if (part.type === "tool-call") calls.push(part);
    else if (part.type === "finish") [finish, usage] = [part.finishReason, part.totalUsage];
    else if (part.type === "error") {
      if (APICallError.isInstance(part.error)) throw part.error;
      if (part.error?.type !== "error") throw part.error;
      return broken(part.error.code, part.error.message, said());
    }
  }
  return told({ text: said(), calls: called(calls, finish), finish, reasoning, usage: tokens(usage) });
}

await run((base_url, key) => {
  const openai = createOpenAI({ baseURL: base_url, apiKey: key });
  const anthropic = createAnthropic({ baseURL: base_url, apiKey: key });
  const models = { chat: openai.chat, responses: openai.responses, messages: anthropic };
  return async (job) => {
    const request = { model: models[job.protocol](job.model), messages: messages(job.turns), maxRetries: 0 };
    if (job.tools) request.tools = offered();
    try {
      return await (job.stream ? streamed : whole)(request);
    } catch (error) {
      if (!APICallError.isInstance(error)) throw error;
      return failed(error.name, JSON.parse(error.responseBody).error, error.statusCode);
    }
  };
});
