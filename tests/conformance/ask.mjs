// Asks apps with Gradio's client for JavaScript: a line of JSON in, a line with the answers out.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { Client, handle_file } from "@gradio/client";

const PATIENCE = 20_000;

function given(value) {
  if (Array.isArray(value)) return value.map(given);
  if (value === null || typeof value !== "object") return value;
  if (value.$file) return handle_file(new File([readFileSync(value.$file)], basename(value.$file)));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, given(each)]));
}

async function plain(value, headers) {
  if (Array.isArray(value)) return Promise.all(value.map((each) => plain(each, headers)));
  if (value === null || typeof value !== "object") return value;
  if (typeof value.url === "string" && "path" in value && !value.is_stream) {
    const answer = await fetch(value.url, { headers });
    const digest = createHash("sha256").update(Buffer.from(await answer.arrayBuffer())).digest("hex");
    return `file ${answer.status} ${basename(value.path)} ${answer.ok ? digest.slice(0, 16) : ""}`;
  }
  if (value.is_stream) return "stream";
  const entries = Object.entries(value).map(async ([key, each]) => [key, await plain(each, headers)]);
  return Object.fromEntries(await Promise.all(entries));
}

async function ask({ url, headers, calls }) {
  const client = await Client.connect(url, { headers });
  const answers = {};
  for (const { name, args } of calls) {
    let timer;
    const late = new Promise((_, no) => (timer = setTimeout(() => no(new Error("no answer")), PATIENCE)));
    try {
      const answer = await Promise.race([client.predict(name, given(args)), late]);
      answers[name] = JSON.stringify(await plain(answer.data, headers));
    } catch (error) {
      answers[name] = `refused: ${error.message ?? JSON.stringify(error)}`;
    } finally {
      clearTimeout(timer);
    }
  }
  client.close();
  return answers;
}

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    said = await ask(JSON.parse(line));
  } catch (error) {
    said = { connect: `refused: ${error.message ?? error}` };
  }
  process.stdout.write(JSON.stringify(said) + "\n");
}
process.exit(0);
