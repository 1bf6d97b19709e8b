/** A service that tests can use; disposal stops what was started for it. */
export interface Service extends AsyncDisposable {
  /** What a test process needs to find it: NARWHAL_TEST_… variables. */
  readonly env: Readonly<Record<string, string>>
  /** Where it came from, in a few words: "PostgreSQL 15 on port 40123". */
  readonly note: string
}

/** Why a service can't be had on this machine. */
export interface Unavailable {
  readonly unavailable: string
}

export interface StartOptions {
  /** What is acknowledged is on disk, as in production; tests need not wait for that. */
  readonly durable?: boolean
}

/**
 * Starts a private instance that keeps everything in `dir` (an existing, empty folder) and listens on
 * loopback only. Rejects when it should have started but did not. `signal` gives the start up.
 */
export type StartService = (
  dir: string,
  signal: AbortSignal,
  options?: StartOptions,
) => Promise<Service | Unavailable>
