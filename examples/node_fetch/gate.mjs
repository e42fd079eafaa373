// The control interface of the gate. `trackly-contract serve -- node --test` sets TRACKLY_CONTROL_URL.

async function control(method, path, value) {
  const url = process.env.TRACKLY_CONTROL_URL + path;
  const response = await fetch(url, { method, body: value === undefined ? undefined : JSON.stringify(value) });
  return { ok: response.ok, json: await response.json() };
}

export const gate = {
  reset: () => control("POST", "/reset"),
  arrange: (id, fields) => control("PUT", `/audiences/${id}`, fields),
  force: (scenario, operation) => control("PUT", "/next", { scenario, operation, times: 1 }),
  audience: async (id) => (await control("GET", `/audiences/${id}`)).json,
  scenarios: async () => (await control("GET", "/scenarios")).json,

  /** Throws if a request since the reset violates the documentation. */
  async judge() {
    const { ok, json } = await control("GET", "/judgement");
    if (!ok) throw new Error(`the gate found violations:\n\n${json.violations.join("\n\n")}\n`);
  },
};
