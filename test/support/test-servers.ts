/** The servers of a test run, and the variables that tell where they are. */
export interface TestServers {
  env: Record<string, string>;
  stop: () => Promise<void>;
}

export interface TestServersScript {
  startTestServers: (options: { env: NodeJS.ProcessEnv }) => Promise<TestServers>;
}

declare global {
  var letterbookTestServers: TestServers | undefined;
}
