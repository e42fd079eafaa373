// A small client of the audiences API of Trackly SMS, with the fetch of Node itself.

export class TracklyError extends Error {
  constructor(status, code) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
  }
}

export class Audiences {
  constructor({ key, baseUrl = "https://app.tracklysms.com/api", milliseconds = 10_000 }) {
    Object.assign(this, { key, baseUrl, milliseconds });
  }

  /** An audience as the API returns it. */
  read(id) {
    return this.#ask("GET", id);
  }

  rename(id, name) {
    return this.#ask("PUT", id, { name });
  }

  /** Let an audience be those who clicked in the last weeks. */
  keepClickers(id, weeks) {
    const clicked = { condition_type: "time", field: "last_clicked_at", operator: "within" };
    const condition = { ...clicked, value: weeks, unit: "weeks" };
    return this.#ask("PUT", id, { filter: { operator: "AND", conditions: [condition] } });
  }

  async #ask(method, id, update) {
    let response, body;
    try {
      response = await fetch(`${this.baseUrl}/v2/audiences/${id}`, {
        method,
        headers: { "X-Api-Key": this.key, ...(update && { "Content-Type": "application/json" }) },
        body: update && JSON.stringify(update),
        signal: AbortSignal.timeout(this.milliseconds),
      });
      body = await response.json();
    } catch (error) {
      throw new TracklyError(response?.status ?? 0, `no response of the API: ${error.name}`);
    }
    if (!response.ok) throw new TracklyError(response.status, body?.code ?? "no code");
    return body;
  }
}
