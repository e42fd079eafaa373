// The control interface of the gate. `trackly-contract serve -- node --test` sets TRACKLY_CONTROL_URL.

async function control(method, path, value) {
  const url = process.env.TRACKLY_CONTROL_URL + path;
  const response = await fetch(url, { method, body: value === undefined ? undefined : JSON.stringify(value) });
  return { ok: response.ok, json: await response.json() };
}

export const gate = {
  reset: () => control("POST", "/reset"),
  arrange: (id, members) => control("PUT", `/audiences/${id}`, members),
  force: (answer, operation) => control("PUT", "/next", { answer, operation, times: 1 }),
  audience: async (id) => (await control("GET", `/audiences/${id}`)).json,
  answers: async () => (await control("GET", "/answers")).json,

  /** Throws unless every request since the reset was as the documentation has it. */
  async judge() {
    const { ok, json } = await control("GET", "/judgement");
    if (!ok) throw new Error(`the gate found faults:\n\n${json.faults.join("\n\n")}\n`);
  },
};
