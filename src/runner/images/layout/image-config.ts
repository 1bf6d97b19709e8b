import { z } from 'zod'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { Healthcheck, ImageConfig } from '../held-image.ts'
import { DIGEST } from './manifest.ts'

const Words = z.array(z.string()).nullish()
/** Nanoseconds; 0: the engine's default. */
const Duration = z.number().int().nonnegative().nullish()

const Check = z.object({
  Test: Words,
  Interval: Duration,
  Timeout: Duration,
  StartPeriod: Duration,
  Retries: z.number().int().nonnegative().nullish(),
})

const Config = z.object({
  architecture: z.string().nullish(),
  variant: z.string().nullish(),
  os: z.string().nullish(),
  rootfs: z.object({ diff_ids: z.array(z.string().regex(DIGEST)).nullish() }),
  config: z
    .object({
      Entrypoint: Words,
      Cmd: Words,
      Env: Words,
      User: z.string().nullish(),
      WorkingDir: z.string().nullish(),
      StopSignal: z.string().nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      Healthcheck: Check.nullish(),
      Shell: Words,
    })
    .nullish(),
})

/** An image's configuration as it was published. */
export interface ParsedConfig {
  readonly os: string
  readonly architecture: string
  /** From the bottom. */
  readonly diffIds: readonly string[]
  readonly config: ImageConfig
}

/** Parses the JSON of an image's configuration; throws `invalid` if it is none. */
export function parseImageConfig(json: string): ParsedConfig {
  let parsed: z.infer<typeof Config>
  try {
    parsed = Config.parse(JSON.parse(json))
  } catch (cause) {
    throw new NarwhalError('invalid', "the image's configuration is malformed", { cause })
  }
  const { config } = parsed
  return {
    os: parsed.os || 'linux',
    architecture: parsed.architecture ?? '',
    diffIds: parsed.rootfs.diff_ids ?? [],
    config: {
      entrypoint: config?.Entrypoint ?? [],
      command: config?.Cmd ?? [],
      env: config?.Env ?? [],
      user: config?.User ?? '',
      workingFolder: config?.WorkingDir ?? '',
      exposedPorts: Object.keys(config?.ExposedPorts ?? {}),
      ...present({
        stopSignal: config?.StopSignal || undefined,
        healthcheck: config?.Healthcheck ? healthcheckOf(config.Healthcheck) : undefined,
        shell: config?.Shell?.length ? config.Shell : undefined,
      }),
    },
  }
}

function healthcheckOf(check: z.infer<typeof Check>): Healthcheck | undefined {
  if (!check.Test?.length) return undefined
  return {
    test: check.Test,
    ...present({
      intervalMs: inMs(check.Interval),
      timeoutMs: inMs(check.Timeout),
      startPeriodMs: inMs(check.StartPeriod),
      retries: check.Retries || undefined,
    }),
  }
}

function inMs(nanoseconds: number | null | undefined): number | undefined {
  return nanoseconds ? nanoseconds / 1_000_000 : undefined
}
