/** What becomes of each key of a go-fastdfs configuration: taken, taken with another meaning, or left behind, and why. */
import { lookup } from 'node:dns/promises';
import { hostname, networkInterfaces } from 'node:os';
import { migrate, type RawConfig } from '../../config/migrations.ts';
import { type Config, type ConfigKey, defaultConfig, ineffectiveKeys, isConfigKey } from '../../config/schema.ts';
import { checkValue } from '../../config/validate.ts';

/** What became of one key. */
export interface ConfigDecision {
  readonly key: string;
  readonly decision: 'taken' | 'changed' | 'ignored';
  /** Why, or what differs; empty for a key that is simply taken. */
  readonly en: string;
  readonly zh: string;
}

/** The decisions on a file, in its order, and the values that come of them. */
export interface ConfigTransfer {
  readonly decisions: readonly ConfigDecision[];
  /** Values of the keys that are taken, checked. */
  readonly values: Readonly<Partial<Record<ConfigKey, unknown>>>;
}

type Words = Pick<ConfigDecision, 'en' | 'zh'>;

/** Keys that are taken and mean something else here than there. */
const changedMeaning: Readonly<Partial<Record<ConfigKey, Words>>> = {
  read_timeout: {
    en: 'counts seconds without a byte; a slow transfer that moves is never cut',
    zh: '改为连续没有数据的秒数；缓慢但仍在进行的传输不会被中断',
  },
  write_timeout: {
    en: 'counts seconds without a byte; a slow transfer that moves is never cut',
    zh: '改为连续没有数据的秒数；缓慢但仍在进行的传输不会被中断',
  },
  enable_merge_small_file: {
    en: 'new small files go to packs, and their URLs are ordinary paths; URLs of merged files go on working',
    zh: '新的小文件存入合并文件，URL 为普通路径；原有合并文件的 URL 继续有效',
  },
  retry_count: {
    en: 'counts the quick retries; later ones wait longer, and none is dropped',
    zh: '仅为快速重试次数；之后的重试间隔逐渐变长，不会放弃',
  },
  refresh_interval: {
    en: 'seconds between two looks for what members lack, or what other programs put into a watched folder',
    zh: '检查其他成员尚缺的文件、或其他程序放入被监视目录的文件的间隔秒数',
  },
  auto_repair: {
    en: 'compares contents, not counts per day',
    zh: '比对内容，而不是每日数量',
  },
  enable_distinct_file: {
    en: 'content that is there already gets its own URL too when another path or name is asked for',
    zh: '指定了其他路径或名称时，已存在的内容也会获得自己的 URL',
  },
  admin_ips: {
    en: 'an address alone is not enough for a browser: pages of other sites are refused',
    zh: '对浏览器而言仅凭地址还不够：来自其他网站页面的请求会被拒绝',
  },
};

/** Looks things up outside; handed in by tests. */
export interface NetworkLook {
  /** Addresses and names of this machine. */
  readonly own: () => readonly string[];
  /** Addresses of a name; none when it has none. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
}

/** The network of this host. */
export const hostNetwork: NetworkLook = {
  own: () => [
    hostname().toLowerCase(),
    ...Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
  ],
  resolve: async (name) => (await lookup(name, { all: true }).catch(() => [])).map(({ address }) => address),
};

/** Decides on every key. @param raw the parsed file of the source, of whatever version. */
export async function transferConfig(raw: RawConfig, network: NetworkLook): Promise<ConfigTransfer> {
  const migrated = Object.hasOwn(raw, 'config_version') ? raw : migrate(raw, 0);
  const decisions: ConfigDecision[] = [];
  const values: Partial<Record<ConfigKey, unknown>> = {};
  for (const key of Object.keys(raw)) {
    if (key === 'config_version') continue;
    const { value, ...decision } = await decide(key, raw[key], migrated[key], network);
    decisions.push({ key, ...decision });
    if (isConfigKey(key) && value !== undefined) values[key] = value;
  }
  return { decisions, values };
}

interface Decided extends Omit<ConfigDecision, 'key'> {
  readonly value?: unknown;
}

async function decide(key: string, given: unknown, migrated: unknown, network: NetworkLook): Promise<Decided> {
  if (!isConfigKey(key)) return ignored(unknownKey(key));
  const checked = checkValue(key, migrated);
  if (!checked.ok) {
    return ignored({ en: `${checked.reason}; the default counts`, zh: `值无效（${checked.reason}）；使用默认值` });
  }
  const { value } = checked;
  const special = await decideSpecial(key, value, network);
  if (special) return special;
  const meaning = changedMeaning[key];
  if (meaning) return { decision: 'changed', ...meaning, value };
  if (JSON.stringify(given) !== JSON.stringify(migrated)) {
    const shown = JSON.stringify(value);
    return { decision: 'changed', en: `not set there; ${shown} here`, zh: `原为未设置；此处为 ${shown}`, value };
  }
  return { decision: 'taken', en: '', zh: '', value };
}

/** Keys that speak of the machine, or of a cluster that is left behind. */
async function decideSpecial(
  key: ConfigKey,
  value: Config[ConfigKey],
  network: NetworkLook,
): Promise<Decided | undefined> {
  switch (key) {
    case 'host':
    case 'download_domain':
      return typeof value === 'string' && value !== '' ? decideAddress(value, network) : undefined;
    case 'peers':
      return Array.isArray(value) && value.length > 0 ? ignored(peersNote(value)) : undefined;
    case 'peer_id':
      return value === '' ? undefined : { decision: 'changed', ...peerIdNote };
    case 'mail':
      return isEmptyMail(value) ? { decision: 'changed', ...mailNote, value } : undefined;
    default:
      return undefined;
  }
}

const peerIdNote: Words = {
  en: 'left empty: new uploads carry an id that no other node has; old URLs keep theirs',
  zh: '留空：新上传使用不与其他节点重复的标识；旧 URL 保持不变',
};

const mailNote: Words = {
  en: 'not set: the account is the placeholder of go-fastdfs',
  zh: '未设置：该账户是 go-fastdfs 的占位值',
};

/** A URL that leads to another machine, or only to the machine itself, would send clients astray. */
async function decideAddress(url: string, network: NetworkLook): Promise<Decided | undefined> {
  const name = new URL(/^https?:\/\//i.test(url) ? url : `http://${url}`).hostname
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  if (name === 'localhost' || name === '::1' || name.startsWith('127.')) {
    return ignored({
      en: `${url} leads nobody here but programs of the machine itself; links carry the name that a request used`,
      zh: `${url} 只在本机有效；链接将使用请求中的主机名`,
    });
  }
  const own = network.own();
  const isOwn = own.includes(name) || (await network.resolve(name)).some((address) => own.includes(address));
  if (isOwn) return undefined;
  return ignored({
    en: `${url} is another machine; set it anew if it leads here`,
    zh: `${url} 属于另一台机器；如果它指向本机，请重新设置`,
  });
}

function peersNote(peers: readonly unknown[]): Words {
  const list = peers.join(', ');
  return {
    en: `go-fastdfs nodes are no members of a Shoal cluster: ${list} will not be asked for anything; move each in, then join them`,
    zh: `go-fastdfs 节点不能成为 Shoal 集群的成员：不会再访问 ${list}；请逐个迁入后再加入集群`,
  };
}

function isEmptyMail(value: unknown): boolean {
  return JSON.stringify(value) === JSON.stringify(defaultConfig.mail);
}

function unknownKey(key: string): Words {
  if (ineffectiveKeys.includes(key)) return { en: 'has no effect here', zh: '在此无作用' };
  if (/\P{ASCII}/u.test(key) || key === 'PeerID')
    return { en: 'an explanation, not a setting', zh: '说明文字，不是配置项' };
  return { en: 'not known here', zh: '未知配置项' };
}

function ignored(words: Words): Decided {
  return { decision: 'ignored', ...words };
}
