import type { Server, Socket } from 'node:net'
import type { HttpBounds } from './bounds.ts'

interface Peer {
  readonly socket: Socket
  readonly address: string
  /** Its requests in flight. */
  answering: number
  isGone: boolean
}

/** Identifies a request's connection, whose object under TLS is not the raw socket. */
export interface PeerAddress {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

/**
 * The open connections of a server, each either answering or waiting: for its next request, or for
 * the rest of one. At the limit the longest waiting connection of the address with the most makes
 * room for a new one; only when all are answering is the new one refused. So thousands of clients
 * that send a byte now and then keep nobody out.
 */
export class Connections {
  readonly #bounds: HttpBounds
  readonly #onRefused: () => void
  readonly #peers = new Map<string, Peer>()
  /** The number of connections by address, and those of them that wait, longest first. */
  readonly #addresses = new Map<string, { all: number; waiting: Set<Peer> }>()
  #answering = 0

  /** `onRefused` is called for each connection that is refused or closed to make room. */
  constructor(server: Server, bounds: HttpBounds, onRefused: () => void) {
    this.#bounds = bounds
    this.#onRefused = onRefused
    server.on('connection', (socket: Socket) => this.#add(socket))
  }

  /** Open connections. */
  get size(): number {
    return this.#peers.size
  }

  /** Requests in flight. */
  get answering(): number {
    return this.#answering
  }

  /**
   * Counts a request that has arrived as in flight until the returned function is called or the
   * connection closes. Undefined if the connection is closed already or unknown.
   */
  begin(peerAddress: PeerAddress): (() => void) | undefined {
    const peer = this.#peers.get(keyOf(peerAddress))
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

  /** Marks a connection as upgraded to another protocol: it never makes room. */
  keep(peerAddress: PeerAddress): void {
    const peer = this.#peers.get(keyOf(peerAddress))
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

  /** False if every connection that could make room is answering. */
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

function keyOf({ remoteAddress, remotePort }: PeerAddress): string {
  return `${remoteAddress} ${remotePort}`
}
