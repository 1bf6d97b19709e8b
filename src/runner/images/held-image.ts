/** An image in the store, kept from removal until it is disposed of. */
export interface HeldImage extends AsyncDisposable {
  /** The full reference by which it was asked for. */
  readonly reference: string
  /** Of the manifest for this machine, with its algorithm: `sha256:…`. */
  readonly digest: string
  /** Of the index that named that manifest, if there is one. */
  readonly indexDigest?: string
  /**
   * Absolute paths of folders for overlay's `lowerdir`, the TOP one first; never empty. Nothing else may be
   * written there. The mode and the owner of the first are those of the image's `/`, which overlay takes from
   * the upper folder: give them to that one.
   */
  readonly layers: readonly string[]
  readonly config: ImageConfig
  /** The highest user or group id of its files, as the image has it. */
  readonly highestId: number
}

/** What an image says of its containers; the words are those of the OCI image specification. */
export interface ImageConfig {
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** `NAME=value`. */
  readonly env: readonly string[]
  /** `user`, `uid`, `user:group`, …; empty: root. */
  readonly user: string
  /** Empty: `/`. */
  readonly workingFolder: string
  readonly stopSignal?: string
  /** Such as `5432/tcp`. */
  readonly exposedPorts: readonly string[]
  readonly healthcheck?: Healthcheck
  /** Of the image's scripts, such as that of its health check; absent: `/bin/sh -c`. */
  readonly shell?: readonly string[]
}

/** How an image says that its service is ready; Docker's own addition to the specification. */
export interface Healthcheck {
  /** `['CMD', …]`, `['CMD-SHELL', script]` or `['NONE']`. */
  readonly test: readonly string[]
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly startPeriodMs?: number
  readonly retries?: number
}
