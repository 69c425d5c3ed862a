/** Lets so many do something at once, for each key; the others wait in turn. */
export interface Gate {
  pass<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** Makes a gate that lets `width` through at once for each key, so that a slow host holds up nobody else's mailboxes. */
export function createGate(width: number): Gate {
  const lanes = new Map<string, { inside: number; waiting: (() => void)[] }>();
  const laneOf = (key: string) => {
    const lane = lanes.get(key) ?? { inside: 0, waiting: [] };
    lanes.set(key, lane);
    return lane;
  };
  return {
    pass: async (key, work) => {
      const lane = laneOf(key);
      if (lane.inside < width) lane.inside += 1;
      else await new Promise<void>((resolve) => lane.waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = lane.waiting.shift();
        if (next !== undefined) next();
        else if (--lane.inside === 0) lanes.delete(key);
      }
    },
  };
}
