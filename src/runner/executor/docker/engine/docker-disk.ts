import { z } from 'zod'
import { measureFolders, type NamedFolder } from '../../../disk/measure-folders.ts'
import { WORKSPACE } from '../../containers/container-profile.ts'
import type { DiskUse, SandboxDisk } from '../../executor.ts'
import type { DockerApi } from './docker-api.ts'

const Info = z.object({ DockerRootDir: z.string().optional() })
const Measured = z.object({
  SizeRw: z.number().nullish(),
  Mounts: z.array(z.object({ Type: z.string(), Source: z.string().optional() })).nullish(),
})

/** By the engine's address: its data folder, on its own machine. */
const roots = new Map<string, Promise<string | undefined>>()

/**
 * Disk usage of a job's containers: the workspace, their own layers, as measured by the engine, and their
 * anonymous volumes if these are on this machine.
 */
export function dockerDisk(api: DockerApi, ids: readonly string[], workspace: string): SandboxDisk {
  const folders = [workspace]
  void rootOf(api).then((root) => root !== undefined && folders.push(root))
  return {
    folders,
    measure: async (signal) => {
      const uses = await Promise.all(ids.map((one) => useOf(api, one)))
      const volumes = uses.flatMap((use) => use.volumes)
      const named: readonly NamedFolder[] = [
        { path: workspace, name: WORKSPACE },
        ...volumes.map((path) => ({ path, name: '(volume of a service)' })),
      ]
      const { bytes, largest } = await measureFolders(named, signal)
      const layers = uses.reduce((sum, use) => sum + use.layerBytes, 0)
      return withLayers({ bytes, largest }, layers)
    },
  }
}

function withLayers({ bytes, largest }: DiskUse, layers: number): DiskUse {
  const all = [...largest, { path: '(outside the workspace)', bytes: layers }]
  const sorted = all.filter((one) => one.bytes > 0).toSorted((a, b) => b.bytes - a.bytes)
  return { bytes: bytes + layers, largest: sorted.slice(0, 3) }
}

async function useOf(api: DockerApi, id: string) {
  const answer = await api.find(`/containers/${id}/json?size=1`)
  const { SizeRw, Mounts } = Measured.parse(answer ?? {})
  const volumes = (Mounts ?? []).filter(({ Type }) => Type === 'volume')
  return { layerBytes: SizeRw ?? 0, volumes: volumes.flatMap(({ Source }) => Source ?? []) }
}

/** Asked once; if the engine does not answer, only changes in the workspace trigger a measurement. */
function rootOf(api: DockerApi): Promise<string | undefined> {
  const { url } = api.address
  const known = roots.get(url)
  if (known) return known
  const asked = api.find('/info').then(
    (answer) => Info.parse(answer ?? {}).DockerRootDir,
    () => void roots.delete(url),
  )
  roots.set(url, asked)
  return asked
}
