import type { Server, Socket } from 'node:net'
import type { HttpBounds } from './bounds.ts'

interface Peer {
  readonly socket: Socket
  readonly address: string
  /** Requests of it that are being answered. */
  answering: number
  isGone: boolean
}

/** What a request says of its connection; under TLS that is another object than the raw socket. */
export interface PeerName {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

/**
 * The open connections of a server, each either answering or waiting: for its next request, or for
 * the rest of one. Where there is no room for a new one, the one that has waited longest makes
 * room, of the address that has most; only when all are answering the new one is refused. So
 * thousands of clients that send a byte now and then keep nobody out.
 */
export class Connections {
  readonly #bounds: HttpBounds
  readonly #onRefused: () => void
  readonly #peers = new Map<string, Peer>()
  /** How many there are of each address, and those of them that wait, the longest first. */
  readonly #addresses = new Map<string, { all: number; waiting: Set<Peer> }>()
  #answering = 0

  /** `onRefused` hears of each connection that is closed for lack of room. */
  constructor(server: Server, bounds: HttpBounds, onRefused: () => void) {
    this.#bounds = bounds
    this.#onRefused = onRefused
    server.on('connection', (socket: Socket) => this.#add(socket))
  }

  /** Those that are open. */
  get size(): number {
    return this.#peers.size
  }

  /** Requests that are being answered. */
  get answering(): number {
    return this.#answering
  }

  /**
   * Notes that a whole request of this connection is there and is being answered, until what it
   * returns is called, or the connection closes. Undefined: it is closed already, or was never one.
   */
  begin(name: PeerName): (() => void) | undefined {
    const peer = this.#peers.get(keyOf(name))
    if (!peer) return undefined
    if (peer.answering++ === 0) this.#addresses.get(peer.address)?.waiting.delete(peer)
    this.#answering++
    let isOver = false
    return () => {
      if (isOver || peer.isGone) return
      isOver = true
      this.#answering--
      if (--peer.answering === 0) this.#addresses.get(peer.address)?.waiting.add(peer)
    }
  }

  /** Notes that this connection is no longer one of requests, and never makes room. */
  keep(name: PeerName): void {
    const peer = this.#peers.get(keyOf(name))
    if (peer) this.#addresses.get(peer.address)?.waiting.delete(peer)
  }

  #add(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    if (!this.#makeRoom(address)) {
      socket.destroy()
      return
    }
    const key = keyOf(socket)
    const peer: Peer = { socket, address, answering: 0, isGone: false }
    const of = this.#addresses.get(address) ?? { all: 0, waiting: new Set() }
    this.#peers.set(key, peer)
    this.#addresses.set(address, of)
    of.all++
    of.waiting.add(peer)
    socket.once('close', () => this.#remove(key, peer))
  }

  #remove(key: string, peer: Peer): void {
    if (peer.isGone) return
    peer.isGone = true
    this.#peers.delete(key)
    this.#answering -= peer.answering
    const of = this.#addresses.get(peer.address)
    if (!of) return
    of.waiting.delete(peer)
    if (--of.all === 0) this.#addresses.delete(peer.address)
  }

  /** False when every connection that could make room is answering. */
  #makeRoom(address: string): boolean {
    const isAddressFull =
      (this.#addresses.get(address)?.all ?? 0) >= this.#bounds.connectionsOfAddress
    if (!isAddressFull && this.#peers.size < this.#bounds.connections) return true
    this.#onRefused()
    const [longest] = isAddressFull ? (this.#addresses.get(address)?.waiting ?? []) : this.#ofMost()
    if (!longest) return false
    this.#remove(keyOf(longest.socket), longest)
    longest.socket.destroy()
    return true
  }

  #ofMost(): Iterable<Peer> {
    let most: Set<Peer> = new Set()
    for (const { waiting } of this.#addresses.values()) if (waiting.size > most.size) most = waiting
    return most
  }
}

function keyOf({ remoteAddress, remotePort }: PeerName): string {
  return `${remoteAddress} ${remotePort}`
}
