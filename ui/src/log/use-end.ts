import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

/** So near to the end, in pixels, one is taken to be at it. */
const NEAR = 30

export interface End {
  /** What scrolls. */
  readonly box: RefObject<HTMLDivElement | null>
  /** What is in it, and grows. */
  readonly content: RefObject<HTMLDivElement | null>
  readonly isFollowing: boolean
  readonly onScroll: () => void
  readonly goToEnd: () => void
}

/** Keeps a box at its end while it grows, until one scrolls up, and again once one is back. */
export function useEnd(): End {
  const box = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const lastTop = useRef(0)
  const [isFollowing, setFollowing] = useState(true)
  useLayoutEffect(() => {
    if (!isFollowing || !box.current || !content.current) return
    const outer = box.current
    const stick = () => {
      outer.scrollTop = outer.scrollHeight
    }
    stick()
    // Lines get their true heights only when they are drawn, so React's own effects are too early.
    const observer = new ResizeObserver(stick)
    observer.observe(content.current)
    return () => observer.disconnect()
  }, [isFollowing])
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current as HTMLDivElement
    const isUpwards = scrollTop < lastTop.current
    lastTop.current = scrollTop
    if (scrollHeight - scrollTop - clientHeight < NEAR) setFollowing(true)
    else if (isUpwards) setFollowing(false)
  }
  return { box, content, isFollowing, onScroll, goToEnd: () => setFollowing(true) }
}
