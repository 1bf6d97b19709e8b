import { z } from 'zod'
import type { ImageRun } from '../../../../core/attempt/image-run.ts'
import { present } from '../../../../lib/present.ts'
import type { NamedContainer, ServiceFacts } from '../../containers/container-engine.ts'
import { healthCheckOf } from '../../containers/services/health-check.ts'
import type { DockerApi } from './docker-api.ts'

const Container = z.object({
  Image: z.string().optional(),
  Config: z.object({ Image: z.string().optional() }).optional(),
})
const Image = z.object({ Id: z.string(), RepoDigests: z.array(z.string()).nullish() })
const Published = z.object({
  Config: z.object({
    ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
    Shell: z.array(z.string()).nullish(),
    Healthcheck: z
      .object({
        Test: z.array(z.string()).nullish(),
        Interval: z.number().nullish(),
        Timeout: z.number().nullish(),
        StartPeriod: z.number().nullish(),
        Retries: z.number().nullish(),
      })
      .nullish(),
  }),
})

/**
 * The images of a job's containers: read from the containers themselves, since a name may refer to another
 * image by now. What the engine does not report is left out.
 */
export async function imagesOf(
  api: DockerApi,
  containers: readonly NamedContainer[],
): Promise<readonly ImageRun[]> {
  const found = (await Promise.all(containers.map((one) => imageOf(api, one)))).flat()
  return [...new Map(found.map((one) => [one.image, one])).values()]
}

/** Of its image, since the container itself has no check: the engine would run it as well. */
export async function serviceFactsOf(
  api: DockerApi,
  id: string,
): Promise<ServiceFacts | undefined> {
  try {
    const { Image: image } = Container.parse(await api.find(`/containers/${id}/json`))
    const { Config } = Published.parse(await api.find(`/images/${image}/json`))
    const { Healthcheck: published, Shell } = Config
    const check = healthCheckOf(
      published && {
        test: published.Test ?? [],
        intervalMs: inMs(published.Interval),
        timeoutMs: inMs(published.Timeout),
        startPeriodMs: inMs(published.StartPeriod),
        retries: published.Retries ?? undefined,
      },
      Shell ?? [],
    )
    return { exposedPorts: Object.keys(Config.ExposedPorts ?? {}), ...present({ check }) }
  } catch {
    return undefined
  }
}

/** Of nanoseconds. */
function inMs(duration: number | null | undefined): number | undefined {
  return duration ? duration / 1_000_000 : undefined
}

async function imageOf(
  api: DockerApi,
  { id, image: name }: NamedContainer,
): Promise<readonly ImageRun[]> {
  try {
    const { Image: image, Config } = Container.parse(await api.find(`/containers/${id}/json`))
    const named = name ?? Config?.Image
    if (image === undefined || named === undefined) return []
    const facts = Image.parse(await api.find(`/images/${image}/json`))
    return [{ image: named, digest: digestOf(facts, named) }]
  } catch {
    return []
  }
}

/** Podman's name for what comes from no registry. */
const NO_REGISTRY = 'localhost/'

/** Whether the engine has an image that was neither pulled nor pushed; not if it doesn't say. */
export async function isOnlyHere(api: DockerApi, reference: string): Promise<boolean> {
  try {
    const { RepoDigests } = Image.parse(await api.find(`/images/${reference}/json`))
    return (RepoDigests ?? []).every((digest) => digest.startsWith(NO_REGISTRY))
  } catch {
    return false
  }
}

/** The registry's digest under this name, if it comes from one. */
function digestOf({ Id, RepoDigests }: z.infer<typeof Image>, name: string): string {
  const digests = (RepoDigests ?? []).map((text) => text.split('@'))
  const [bare = name] = name.split('@')
  const own = digests.find(
    ([repository = '']) => bare === repository || bare.startsWith(`${repository}:`),
  )
  return (own ?? digests[0])?.[1] ?? Id
}
