// @ts-check

/** What the API refused, in its own words. */
export class ApiRefusal extends Error {
  name = 'ApiRefusal';

  /** @param {number} status @param {{detail?: string, title?: string, [field: string]: unknown}} problem */
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The API answered ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

/**
 * Calls to the API of one Letterbook.
 * @param {{apiUrl: string, apiKey: string}} where
 */
export function apiOf({ apiUrl, apiKey }) {
  /**
   * @param {string} method @param {string} path @param {{json?: unknown, ndjson?: unknown[]}} [body]
   * @returns {Promise<any>} the JSON of the answer
   */
  async function call(method, path, { json, ndjson } = {}) {
    const lines = ndjson?.map((line) => JSON.stringify(line)).join('\n');
    const type = ndjson === undefined ? 'application/json' : 'application/x-ndjson';
    const content = lines ?? (json === undefined ? undefined : JSON.stringify(json));
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        accept: 'application/json',
        ...(content === undefined ? {} : { 'content-type': type }),
      },
      ...(content === undefined ? {} : { body: content }),
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new ApiRefusal(response.status, answer);
    return answer;
  }

  return {
    /** @param {string} path */
    get: (path) => call('GET', path),
    /** @param {string} path @param {unknown} json */
    post: (path, json) => call('POST', path, { json }),
    /** @param {string} path @param {unknown} json */
    change: (path, json) => call('PATCH', path, { json }),
    /** @param {string} path @param {unknown[]} ndjson */
    upload: (path, ndjson) => call('POST', path, { ndjson }),
    /** @param {string} path */
    remove: (path) => call('DELETE', path),
  };
}

/** @typedef {ReturnType<typeof apiOf>} Api */
