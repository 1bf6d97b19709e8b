import type { Candidate } from './placement.ts'

/** The share of a runner's slots in use, from 0 to 1. */
export function busyShare({ busy, slots }: Candidate): number {
  return busy / Math.max(1, slots)
}

/** Less loaded first: by busy share, then machine load, then name. */
export function compareLoad(a: Candidate, b: Candidate): number {
  return busyShare(a) - busyShare(b) || a.load - b.load || compareText(a.name, b.name)
}

/** Compares by code units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A runner's load as text: "1 of 4 slots busy, machine load 0.25". */
export function loadInWords({ busy, slots, load }: Candidate): string {
  return `${busy} of ${slots} ${slots === 1 ? 'slot' : 'slots'} busy, machine load ${load.toFixed(2)}`
}
