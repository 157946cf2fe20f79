/** The words of alarms, in both languages. `{name}` is filled from the details. */
import type { Alarm, AlarmKind, Delivery } from '../catalog/alarm-values.ts';
import type { Language } from '../domain/errors.ts';

interface Words {
  readonly title: string;
  readonly text: string;
}

const words: Readonly<Record<AlarmKind, Readonly<Record<Language, Words>>>> = {
  'disk-floor': {
    en: {
      title: 'the disk is almost full',
      text: 'Free: {freeMb} MB, to be left free: {floorMb} MB. Uploads are refused until there is more room.',
    },
    zh: { title: '磁盘空间即将耗尽', text: '剩余 {freeMb} MB，需保留 {floorMb} MB。腾出空间之前将拒绝上传。' },
  },
  'store-missing': {
    en: {
      title: 'the folder of the files is gone',
      text: 'Nothing counts as deleted, but nothing can be stored: {reason}',
    },
    zh: { title: '文件目录不可用', text: '不会视为删除，但无法存储：{reason}' },
  },
  'catalogue-unwritable': {
    en: { title: 'the catalogue cannot be written', text: 'No upload is accepted: {reason}' },
    zh: { title: '目录库无法写入', text: '不再接受上传：{reason}' },
  },
  'bytes-damaged': {
    en: {
      title: 'damaged files were found',
      text: 'The latest: {latest}. Damaged files are not served; "shoal verify" lists all.',
    },
    zh: {
      title: '发现已损坏的文件',
      text: '最新：{latest}。损坏的文件不会被发送；“shoal verify”可列出全部。',
    },
  },
  'error-rate': {
    en: { title: 'many internal errors', text: '{count} within a minute. The log tells which.' },
    zh: { title: '内部错误过多', text: '一分钟内 {count} 次，详情见日志。' },
  },
  'login-attack': {
    en: { title: 'somebody tries passwords', text: '{count} failed logins within ten minutes.' },
    zh: { title: '有人在尝试密码', text: '十分钟内登录失败 {count} 次。' },
  },
  'deletion-waits': {
    en: {
      title: 'a rule waits before it removes {files} files',
      text: 'Rule {subject} would remove {files} files at once. Somebody must confirm it.',
    },
    zh: {
      title: '保留规则等待确认：将删除 {files} 个文件',
      text: '规则 {subject} 将一次删除 {files} 个文件，需要有人确认。',
    },
  },
  'clock-jumped': {
    en: {
      title: 'the clock has jumped ahead',
      text: 'By about {hours} hours. Nothing is removed for its age until the time is caught up with, or somebody says that it is right.',
    },
    zh: { title: '时钟向前跳变', text: '约 {hours} 小时。在时间追上或有人确认之前，不会按时限删除任何内容。' },
  },
  'peer-unreachable': {
    en: { title: 'member {subject} cannot be reached', text: 'Last seen: {lastSeen}.' },
    zh: { title: '成员 {subject} 无法访问', text: '最后在线：{lastSeen}。' },
  },
  'replication-lag': {
    en: { title: 'files are waiting for {subject}', text: '{files} files, for {minutes} minutes.' },
    zh: { title: '有文件等待同步到 {subject}', text: '{files} 个文件，已等待 {minutes} 分钟。' },
  },
  'files-lost': {
    en: {
      title: 'files are lost',
      text: 'The bytes of {contents} contents are damaged or gone here, and no member has them. The list tells which, and what can be restored.',
    },
    zh: {
      title: '有文件丢失',
      text: '{contents} 份内容在本机已损坏或缺失，且没有任何成员仍保存它们。列表中可查看文件以及可恢复的先前版本。',
    },
  },
  'twin-seen': {
    en: {
      title: 'two machines run as {subject}',
      text: 'A data folder was copied together with its key. Both are refused until only one of them runs; the other needs an empty data folder.',
    },
    zh: {
      title: '有两台机器以 {subject} 的身份运行',
      text: '数据目录连同密钥被复制。在只剩一台运行之前，两台都会被拒绝；另一台需要使用空的数据目录。',
    },
  },
  'fetching-stopped': {
    en: {
      title: '{subject} fetches no files',
      text: 'Its disk is full: free {freeMb} MB, to be left free {floorMb} MB. It goes on by itself when there is more room.',
    },
    zh: {
      title: '{subject} 已暂停获取文件',
      text: '磁盘已满：剩余 {freeMb} MB，需保留 {floorMb} MB。腾出空间后会自动继续。',
    },
  },
  test: {
    en: { title: 'test alarm', text: 'This is what an alarm looks like. Nothing is wrong.' },
    zh: { title: '测试告警', text: '告警的样式如此，一切正常。' },
  },
};

const frame = {
  en: {
    opened: '{title}',
    closed: 'over: {title}',
    reminder: 'still: {title}',
    test: '{title}',
    node: 'Node: {node}',
    since: 'Since: {since}',
    until: 'Until: {until}',
  },
  zh: {
    opened: '{title}',
    closed: '已解除：{title}',
    reminder: '仍未解除：{title}',
    test: '{title}',
    node: '节点：{node}',
    since: '开始：{since}',
    until: '结束：{until}',
  },
} as const;

/** A message about an alarm. */
export interface AlarmText {
  /** One line. */
  readonly subject: string;
  /** Plain text, several lines. */
  readonly message: string;
}

/** Puts an alarm into words. @param node the node's name, as people know it. */
export function describeAlarm(event: Delivery['event'], alarm: Alarm, node: string, language: Language): AlarmText {
  const { title, text } = titleAndText(alarm, language);
  const of = frame[language];
  const lines = [
    text,
    '',
    fill(of.node, { node }),
    fill(of.since, { since: new Date(alarm.openedMs).toISOString() }),
    ...(alarm.closedMs === undefined ? [] : [fill(of.until, { until: new Date(alarm.closedMs).toISOString() })]),
  ];
  return { subject: oneLine(`[Shoal ${node}] ${fill(of[event], { title })}`), message: lines.join('\n') };
}

/** Title and text of an alarm, as a screen shows them. */
export function titleAndText(alarm: Pick<Alarm, 'kind' | 'subject' | 'details'>, language: Language): Words {
  const details = { subject: alarm.subject, ...alarm.details };
  const { title, text } = words[alarm.kind][language];
  return { title: fill(title, details), text: fill(text, details) };
}

function fill(text: string, details: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (_all, name: string) => String(details[name] ?? ''));
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 200);
}
