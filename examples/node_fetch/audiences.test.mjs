// Tests of the client against the gate: no request leaves this machine.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { gate } from "./gate.mjs";

const { Audiences, TracklyError } = await import(`./${process.env.CLIENT ?? "audiences"}.mjs`);
const { TRACKLY_BASE_URL: baseUrl, TRACKLY_API_KEY: key, TRACKLY_AUDIENCE_ID: id } = process.env;
const audiences = new Audiences({ key, baseUrl, milliseconds: 2_000 });

beforeEach(gate.reset);
afterEach(gate.judge);

test("clickers of two weeks are kept", async () => {
  await audiences.keepClickers(id, 2);
  const { filter } = await gate.audience(id);
  assert.equal(filter.conditions.length, 1);
  assert.equal(filter.conditions[0].field, "last_clicked_at");
});

test("a renamed audience keeps its description", async () => {
  await gate.arrange(id, { description: "of 2026" });
  assert.equal((await audiences.rename(id, "Clickers")).description, "of 2026");
});

for (const { name, operation, description } of await gate.scenarios()) {
  test(`it handles ${name}: ${description}`, async () => {
    await gate.force(name, operation);
    try {
      await (operation === "read" ? audiences.read(id) : audiences.rename(id, "Clickers"));
    } catch (error) {
      if (!(error instanceof TracklyError)) throw error;
    }
  });
}
