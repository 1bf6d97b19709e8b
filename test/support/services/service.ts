/** A service that tests can use; disposal stops what was started for it. */
export interface Service extends AsyncDisposable {
  /** The NARWHAL_TEST_… variables by which test processes find it. */
  readonly env: Readonly<Record<string, string>>
  /** Its version and address, in short: "PostgreSQL 15 on port 40123". */
  readonly note: string
}

/** Why a service is not available on this machine. */
export interface Unavailable {
  readonly unavailable: string
}

export interface StartOptions {
  /** Whether what is acknowledged is on disk, as in production; tests need not wait for that. */
  readonly durable?: boolean
  /** A folder with the system whose programs are started; absent: this machine's. */
  readonly root?: string
}

/**
 * Starts a private instance that keeps everything in `dir` (an existing, empty folder) and listens on
 * loopback only. Rejects if it should have started but did not. `signal` aborts the start.
 */
export type StartService = (
  dir: string,
  signal: AbortSignal,
  options?: StartOptions,
) => Promise<Service | Unavailable>
