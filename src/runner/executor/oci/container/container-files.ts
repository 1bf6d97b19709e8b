import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { NarwhalError } from '../../../../lib/errors.ts'
import { present } from '../../../../lib/present.ts'
import { FSTAB, fstab, LAUNCHED, type LaunchMounts, type Sysfs } from '../launch/launch-script.ts'

/** The kernel's limit of an overlay. */
const MOST_LAYERS = 500

export interface ContainerNames {
  /** Lines of /etc/hosts. */
  readonly hosts: readonly string[]
  readonly hostname: string
  readonly resolvConf: string
}

export interface WantedFiles {
  /** Top first. */
  readonly layers: readonly string[]
  readonly names: ContainerNames
  /** The id of the container's root on this machine. */
  readonly owner: number
  /** Whose sysfs it has a place for: of the network that it is started in; absent: none. */
  readonly sysfsOf?: Sysfs['of']
}

/**
 * The folder of one container: its own layer over those of its image, and what its runtime reads. All of it is
 * below a folder that only the runner can enter.
 *
 * Writes are synchronous: they are small and go to the page cache.
 */
export class ContainerFiles {
  readonly path: string
  #layers = 0
  #sysfs: Sysfs | undefined

  constructor(parent: string, id: string) {
    this.path = join(parent, id)
  }

  /** What the container has written; the rest is the image's. */
  get upper(): string {
    return join(this.path, 'upper')
  }

  get config(): string {
    return join(this.path, 'config.json')
  }

  /** A file for what the runtime says when it fails. */
  get log(): string {
    return join(this.path, 'log')
  }

  /** Without warnings: runc has some about control groups that it was to leave alone. */
  readLog(): string {
    const lines = readText(this.log).split('\n')
    return lines.filter((line) => !line.includes(' level=warning ')).join('\n')
  }

  /** Whether the last launch got as far as the runtime, and that had nothing to say. */
  get hasRun(): boolean {
    return existsSync(join(this.path, LAUNCHED)) && this.readLog() === ''
  }

  /** The mount point of a sysfs of the container's network namespace. */
  get sysfs(): string {
    return join(this.path, 'sys')
  }

  /** The paths of the files that the container sees in /etc. */
  get names() {
    return {
      hosts: join(this.path, 'hosts'),
      hostname: join(this.path, 'hostname'),
      resolvConf: join(this.path, 'resolv.conf'),
    }
  }

  make({ layers, names, owner, sysfsOf }: WantedFiles): void {
    const [top] = layers
    if (top === undefined || layers.length > MOST_LAYERS) {
      const words = `an image with ${layers.length} layers can't be mounted`
      throw new NarwhalError('invalid', words)
    }
    mkdirSync(this.path, { recursive: true, mode: 0o711 })
    this.#layers = layers.length
    if (sysfsOf) this.#sysfs = { place: this.sysfs, of: sysfsOf }
    const folders = ['upper', 'work', ...(sysfsOf ? ['sys'] : [])]
    for (const name of folders) mkdirSync(join(this.path, name))
    // Short names, without the characters that are special in the options of a mount.
    for (const [index, layer] of layers.entries()) symlinkSync(layer, join(this.path, `l${index}`))
    this.#ownUpper(top)
    const { hosts, hostname, resolvConf } = this.names
    writeFileSync(hosts, `${names.hosts.join('\n')}\n`)
    writeFileSync(hostname, `${names.hostname}\n`)
    writeFileSync(resolvConf, names.resolvConf)
    // The container's root may write them, as in Docker.
    if (owner !== 0) for (const file of [hosts, hostname, resolvConf]) chownSync(file, owner, owner)
  }

  /**
   * Before each launch. What the overlay leaves says that its layer may be incomplete after a crash, and keeps it
   * from being mounted again. It is complete: only containers of this boot are started again.
   */
  prepareLaunch(mounts: Omit<LaunchMounts, 'sysfs' | 'layers'>): void {
    const sysfs = this.#sysfs
    const text = fstab({ ...mounts, ...present({ sysfs }), layers: this.#layers })
    writeFileSync(join(this.path, FSTAB), text)
    for (const file of [this.log, join(this.path, LAUNCHED)]) rmSync(file, { force: true })
    if (!mounts.options.includes('volatile')) return
    rmSync(join(this.path, 'work', 'work', 'incompat'), { recursive: true, force: true })
  }

  /** Overlay takes mode and owner of the root folder from the upper one. */
  #ownUpper(top: string): void {
    const { mode, uid, gid } = statSync(top)
    chownSync(this.upper, uid, gid)
    chmodSync(this.upper, mode & 0o7777)
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
