import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ImageReference, parseImageReference } from '../../core/image-reference.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { removeFolder } from '../remove-folder.ts'
import { SharedTasks } from '../shared-tasks.ts'
import type { DockerApi } from './docker-api.ts'
import { type EngineTraits, JobContainer } from './docker-container.ts'
import { ContainerFolder } from './docker-folder.ts'
import { containerSettings, type ProfileOptions } from './docker-profile.ts'
import type { SandboxLimits, SandboxSpec } from './executor.ts'
import { warmKindOf } from './warm-kind.ts'
import type { WarmContainer } from './warm-pool.ts'

export interface MakerOptions extends ProfileOptions {
  readonly folder: string
  readonly steps?: 'exec'
}

/** Creates the containers of an executor, with their folders; starting them is the caller's. */
export class ContainerMaker {
  readonly #api: DockerApi
  readonly #options: MakerOptions
  readonly #traits: EngineTraits
  readonly #pulls = new SharedTasks<void>()

  constructor(api: DockerApi, options: MakerOptions) {
    this.#api = api
    this.#options = options
    this.#traits = { fifos: options.steps === 'exec' ? 'fail' : 'unknown' }
  }

  /** The engine knows best whether it has the image: creating is tried first, and again after a pull. */
  async make(image: ImageReference, spec: SandboxSpec, signal: AbortSignal): Promise<JobContainer> {
    const created = await this.#create(image.full, spec)
    if (created) return created
    await this.#pulls.join(image.full, signal, (stop) => this.#api.pullImage(image, stop))
    const retried = await this.#create(image.full, spec)
    if (retried) return retried
    throw new NarwhalError('not_found', `image ${image.full} was removed right after its pull`)
  }

  /**
   * Creates and starts one of a kind (`warmKey`) for a job to come, with a workspace of its own; undefined where the image is
   * not there, or FIFOs don't reach into containers: then nothing would end it with the runner.
   */
  async makeWarm(
    kind: string,
    limits: SandboxLimits,
    onGone: () => void,
  ): Promise<WarmContainer | undefined> {
    const { image, ...network } = warmKindOf(kind)
    const imageId = await this.#api.findImage(parseImageReference(image).full)
    if (imageId === undefined || this.#traits.fifos === 'fail') return undefined
    const workspace = join(this.#options.folder, `workspace-${randomBytes(8).toString('hex')}`)
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 })
    await mkdir(workspace)
    let container: JobContainer | undefined
    try {
      container = await this.#create(
        image,
        { name: 'warm', workspace, limits, ...network },
        imageId,
      )
      await container?.start(onGone)
      if (container) return { kind, image, imageId, workspace, limits, container }
    } catch (error) {
      await container?.remove().catch(() => {})
      await removeFolder(workspace)
      throw error
    }
    await removeFolder(workspace)
    return undefined
  }

  /** Never aborted half-way: a container that nobody knows of would stay. */
  async #create(image: string, spec: SandboxSpec, id = image): Promise<JobContainer | undefined> {
    const mustTidy = !this.#options.runnerIsRoot
    const folder = await ContainerFolder.make(this.#options.folder)
    const settings = containerSettings(id, { ...spec, control: folder.control }, this.#options)
    const created = await this.#api
      .createContainer(containerName(spec.name), settings)
      .catch(async (error: unknown) => {
        await folder.remove()
        throw error
      })
    if (created === undefined) {
      await folder.remove()
      return undefined
    }
    const traits = this.#traits
    return new JobContainer({ api: this.#api, id: created, image, folder, traits, mustTidy })
  }
}

/** Readable in `docker ps`, unlike any other, and of the characters that the engine takes. */
function containerName(name: string): string {
  const word = name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 80)
  return `narwhal-${word}-${randomBytes(4).toString('hex')}`
}
