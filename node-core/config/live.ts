/** The configuration of a running node: what counts now, and how it changes. */
import { type LoadConfigOptions, type LoadedConfig, loadConfig } from './load.ts';
import { type ConfigChanges, isSame, saveConfig } from './save.ts';
import { type Config, type ConfigKey, configKeyInfo, configKeyNames } from './schema.ts';

/** What a change did. */
export interface ConfigurationChange {
  /** Keys that count with a new value from now on, in the order of the table. */
  readonly applied: readonly ConfigKey[];
  /** Keys whose new value counts after a restart. */
  readonly afterRestart: readonly ConfigKey[];
}

/**
 * Holds the configuration that counts. Keys that can change while the node runs are taken over at once; the others keep the
 * value that the node started with, so that no part of it works with half a change.
 */
export class LiveConfiguration {
  readonly #options: LoadConfigOptions;
  readonly #handlers = new Set<(change: ConfigurationChange) => void>();
  #loaded: LoadedConfig;
  #current: Config;

  constructor(loaded: LoadedConfig, options: LoadConfigOptions) {
    this.#loaded = loaded;
    this.#current = loaded.config;
    this.#options = options;
  }

  /** What counts now. A new object after each change. */
  get current(): Config {
    return this.#current;
  }

  /** The configuration as it was last read, with the file and where each value comes from. */
  get loaded(): LoadedConfig {
    return this.#loaded;
  }

  /** Tells of every change from now on. */
  onChange(handler: (change: ConfigurationChange) => void): void {
    this.#handlers.add(handler);
  }

  /** Checks and saves changes, then takes over what can be. @throws ShoalError as saveConfig; nothing has changed then. */
  async change(changes: ConfigChanges): Promise<ConfigurationChange> {
    await saveConfig(this.#loaded.file, changes);
    return this.reload();
  }

  /** Reads the file again. @throws ShoalError as loadConfig; what counted goes on counting then. */
  async reload(): Promise<ConfigurationChange> {
    const loaded = await loadConfig(this.#options);
    const changed = configKeyNames.filter((key) => !isSame(this.#current[key], loaded.config[key]));
    const applied = changed.filter((key) => configKeyInfo(key).applies === 'at-once');
    const values = Object.fromEntries(applied.map((key) => [key, loaded.config[key]]));
    this.#loaded = loaded;
    this.#current = Object.freeze({ ...this.#current, ...values });
    const change = { applied, afterRestart: changed.filter((key) => !applied.includes(key)) };
    for (const handler of this.#handlers) handler(change);
    return change;
  }
}
