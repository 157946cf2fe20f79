/**
 * node-core/config: what a node is told by its operator.
 *
 * Belongs here: every configuration key with its type, default and words (the table below, the only place), reading,
 * upgrading and saving `conf/cfg.json`, the options of the command line and of the environment, and the page
 * docs/configuration.md that is made from the table.
 * Does not belong here: what a key does (that is in the room that reads it), the state of a node (catalogue, members,
 * sessions), and anything that listens, connects or touches the store.
 *
 * The room imports `node-core/domain` only. A new key is one row of the table.
 */
import { z } from 'zod';
import * as field from './fields.ts';
import { currentConfigVersion } from './migrations.ts';

/** The parts of the settings page, in the order they are shown. */
export const configGroups = [
  'network',
  'storage',
  'uploads',
  'downloads',
  'access',
  'images',
  'alarms',
  'cluster',
  'logs',
  'compatibility',
] as const;

/** One part of the settings page. */
export type ConfigGroup = (typeof configGroups)[number];

interface Row<T> {
  readonly field: field.Field<T>;
  readonly default: T;
  readonly group: ConfigGroup;
  readonly en: string;
  readonly zh: string;
  /** Holds something that must not reach logs or screens. */
  readonly secret?: true;
  /** Rarely needed: settings pages show it on demand. */
  readonly expert?: true;
  /** Read once when the node starts. */
  readonly restart?: true;
}

function row<T>(group: ConfigGroup, type: field.Field<T>, initial: NoInfer<T>, rest: Words & Marks): Row<T> {
  return { group, field: type, default: initial, ...rest };
}

type Words = Pick<Row<unknown>, 'en' | 'zh'>;
type Marks = Pick<Row<unknown>, 'secret' | 'expert' | 'restart'>;

const { addressList, baseUrl, choice, flag, integer, listenAddress, segment, serviceUrl, text } = field;

/** A time in seconds that a timer waits for. */
const seconds = (min: number) => integer(min, field.maxTimerSeconds);

/** A count or size without a practical upper bound. */
const amount = (min: number) => integer(min, Number.MAX_SAFE_INTEGER);

const table = {
  addr: row('network', listenAddress(), ':8080', {
    restart: true,
    en: 'Address and port of the HTTP interface. `:8080` listens on every address of the machine, `127.0.0.1:8080` on one.',
    zh: 'HTTP 接口的监听地址和端口。`:8080` 监听本机所有地址，`127.0.0.1:8080` 只监听一个地址。',
  }),
  enable_https: row('network', flag(), false, {
    restart: true,
    en: 'Serve HTTPS instead of HTTP, with the certificate `conf/server.crt` and the key `conf/server.key`.',
    zh: '以 HTTPS 代替 HTTP 提供服务，证书为 `conf/server.crt`，私钥为 `conf/server.key`。',
  }),
  host: row('network', baseUrl(), '', {
    en: 'URL of this node as other machines reach it, such as `http://10.0.0.1:8080`. Empty: worked out by the node.',
    zh: '其他机器访问本节点的 URL，例如 `http://10.0.0.1:8080`。留空则由节点自行确定。',
  }),
  node_name: row('network', text(64), '', {
    en: 'Name that people see for this node. Empty: the host name of the machine.',
    zh: '显示给用户的节点名称。留空则使用主机名。',
  }),
  trusted_proxies: row('network', addressList(), [], {
    en: 'Addresses and ranges of reverse proxies. Only their `X-Forwarded-*` headers are believed.',
    zh: '反向代理的地址和网段。只有来自它们的 `X-Forwarded-*` 头才会被采信。',
  }),
  trusted_hosts: row('network', field.hostNameList(), [], {
    en: 'Host names under which management may be called, besides IP addresses and localhost.',
    zh: '除 IP 地址和 localhost 之外，允许用于访问管理接口的主机名。',
  }),
  enable_cross_origin: row('network', flag(), true, {
    en: 'Let pages of other sites upload and download (CORS). Management is never open to them.',
    zh: '允许其他网站的页面上传和下载（CORS）。管理接口从不对其开放。',
  }),
  read_timeout: row('network', seconds(0), 0, {
    expert: true,
    restart: true,
    en: 'Seconds without a byte received after which a request is given up; a slow transfer that moves is never cut. 0: the default of the node.',
    zh: '接收请求时连续多少秒没有收到数据即放弃；只要仍在传输，再慢也不会中断。0 表示节点默认值。',
  }),
  write_timeout: row('network', seconds(0), 0, {
    expert: true,
    restart: true,
    en: 'Seconds without a byte taken by the client after which an answer is given up; a slow transfer that moves is never cut. 0: the default of the node.',
    zh: '发送应答时客户端连续多少秒没有接收数据即放弃；只要仍在传输，再慢也不会中断。0 表示节点默认值。',
  }),
  idle_timeout: row('network', seconds(0), 0, {
    expert: true,
    restart: true,
    en: 'Seconds that a connection may stay idle between two requests. 0: the default of the node.',
    zh: '连接在两次请求之间允许空闲的秒数。0 表示节点默认值。',
  }),
  read_header_timeout: row('network', seconds(0), 0, {
    expert: true,
    restart: true,
    en: 'Seconds without progress that a client may take to send the headers of a request. 0: the default of the node.',
    zh: '客户端发送请求头时允许没有进展的秒数。0 表示节点默认值。',
  }),

  durability: row('storage', choice(['full', 'os']), 'full', {
    restart: true,
    en: '`full`: an upload is acknowledged only when disk and catalogue have it for certain (fsync). `os`: faster, but the last seconds can be lost in a power cut.',
    zh: '`full`：数据和目录确实落盘（fsync）后才确认上传。`os`：更快，但断电时可能丢失最后几秒的数据。',
  }),
  free_space_floor_percent: row('storage', integer(0, 90), 1, {
    en: 'Share of the disk in percent that uploads leave free. The larger of this and `free_space_floor_mb` counts.',
    zh: '上传时保留的磁盘可用空间百分比。与 `free_space_floor_mb` 相比取较大者。',
  }),
  free_space_floor_mb: row('storage', integer(0, 1_000_000_000), 512, {
    en: 'Free space in MiB that uploads leave on the disk. The larger of this and `free_space_floor_percent` counts.',
    zh: '上传时保留的磁盘可用空间（MiB）。与 `free_space_floor_percent` 相比取较大者。',
  }),
  enable_distinct_file: row('storage', flag(), true, {
    en: 'Store the same content once. While it is on, different content under a taken path gets a new name; while it is off, it replaces the old.',
    zh: '相同内容只存一份。开启时，不同内容使用已占用的路径会得到新名称；关闭时则覆盖旧文件。',
  }),
  file_sum_arithmetic: row('storage', choice(['md5', 'sha1']), 'md5', {
    restart: true,
    en: 'Digest by which the compatible interface names contents. Storage itself always goes by SHA-256.',
    zh: '兼容接口用来标识内容的摘要算法。存储本身始终使用 SHA-256。',
  }),
  enable_merge_small_file: row('storage', flag(), false, {
    expert: true,
    restart: true,
    en: 'Keep small files (see merge_small_file_limit) in pack files instead of one file each. Useful for very many small files. URLs stay the same.',
    zh: '将小文件（见 merge_small_file_limit）存入合并文件，而不是各自成文件，适合海量小文件。URL 不变。',
  }),
  merge_small_file_limit: row('storage', integer(1, 67_108_864), 1_048_576, {
    en: 'With enable_merge_small_file: files up to this many bytes are merged.',
    zh: '启用 enable_merge_small_file 时，不超过该字节数的文件会被合并。',
    expert: true,
  }),
  trash_days: row('storage', integer(0, 36_500), 30, {
    en: 'Days that deleted files can still be restored. 0: their bytes go at once.',
    zh: '已删除文件可恢复的天数。0 表示立即清除数据。',
  }),
  memory_cache_mb: row('storage', integer(0, 65_536), 48, {
    expert: true,
    restart: true,
    en: 'Memory in MiB that holds small files that are read often. 0: none.',
    zh: '用于缓存常读小文件的内存（MiB）。0 表示不缓存。',
  }),
  scrub_kib_per_second: row('storage', amount(0), 2048, {
    en: 'KiB a second that the store is slowly read again with, to find bytes that have rotted. Damaged ones are set aside and fetched from another member. 0: never.',
    zh: '后台缓慢重读存储以发现损坏数据的速度（KiB/秒）。损坏的数据会被移开并从其他成员重新获取。0 表示关闭。',
  }),
  scrub_interval_days: row('storage', field.integer(1, 3650), 30, {
    expert: true,
    en: 'Days after which the whole store is read again.',
    zh: '每隔多少天将整个存储重新读取一遍。',
  }),

  read_only: row('uploads', flag(), false, {
    en: 'Refuse uploads and every other change of files.',
    zh: '拒绝上传以及对文件的任何其他更改。',
  }),
  enable_web_upload: row('uploads', flag(), true, {
    en: 'Serve the upload page at `/`, `/<group>` and `/<group>/upload.html`.',
    zh: '在 `/`、`/<group>` 和 `/<group>/upload.html` 提供上传页面。',
  }),
  enable_custom_path: row('uploads', flag(), true, {
    en: 'Let an upload choose its folder with the field `path`.',
    zh: '允许上传时用 `path` 字段指定目录。',
  }),
  default_scene: row('uploads', segment(false), 'default', {
    en: 'Scene of an upload that names none. It is the first folder of the path.',
    zh: '未指定场景的上传所用的场景，即路径的第一级目录。',
  }),
  rename_file: row('uploads', flag(), false, {
    en: 'Store uploads under a unique name and keep only their extension.',
    zh: '以唯一名称保存上传的文件，仅保留扩展名。',
  }),
  enable_trim_file_name_special_char: row('uploads', flag(), true, {
    en: 'Remove white space and special characters from the names of files uploaded through the compatible interface.',
    zh: '去除通过兼容接口上传的文件名中的空白和特殊字符。',
  }),
  extensions: row('uploads', field.extensionList(), [], {
    en: 'Extensions that may be uploaded, such as `.jpg`; upper and lower case are the same. Empty: all.',
    zh: '允许上传的扩展名，例如 `.jpg`，不区分大小写。留空表示全部允许。',
  }),
  max_upload_bytes: row('uploads', amount(0), 0, {
    en: 'Largest file in bytes that may be uploaded. 0: no limit.',
    zh: '允许上传的最大文件字节数。0 表示不限制。',
  }),
  max_concurrent_uploads: row('uploads', integer(1, 65_535), 256, {
    expert: true,
    en: 'Uploads that may be under way at the same time; more are asked to come back later.',
    zh: '允许同时进行的上传数量，超出的请求会被要求稍后再试。',
  }),
  upload_inactivity_timeout: row('uploads', seconds(1), 120, {
    expert: true,
    en: 'Seconds without a byte after which an upload counts as broken off.',
    zh: '上传连续多少秒没有数据即视为中断。',
  }),
  upload_worker: row('uploads', integer(0, 1024), 0, {
    expert: true,
    restart: true,
    en: 'Uploads that are written to the store at the same time. 0: the node decides.',
    zh: '同时写入存储的上传数量。0 表示由节点决定。',
  }),
  enable_tus: row('uploads', flag(), true, {
    restart: true,
    en: 'Accept resumable uploads (tus 1.0.0) at `/<group>/big/upload/`.',
    zh: '在 `/<group>/big/upload/` 接受断点续传（tus 1.0.0）。',
  }),
  tus_expiration_hours: row('uploads', field.integer(1, 8760), 168, {
    en: 'Hours after which a resumable upload that was not completed is removed.',
    zh: '未完成的断点续传在多少小时后被清除。',
  }),
  callback_hosts: row('uploads', field.hostNameList(), [], {
    en: 'Hosts that a `callback_url` of a resumable upload may name. Empty: none.',
    zh: '断点续传的 `callback_url` 允许使用的主机。留空表示不允许。',
  }),

  callback_private_addresses: row('uploads', flag(), false, {
    expert: true,
    en: 'The hosts in `callback_hosts` may stand at private addresses (LAN, this machine). While it is off, a callback only goes to public addresses.',
    zh: '允许 `callback_hosts` 中的主机使用内网地址（局域网、本机）。关闭时只回调公网地址。',
  }),
  upload_policy: row('uploads', choice(['open', 'token', 'session', 'off']), 'open', {
    en: 'Who may upload, besides callers who may manage. `open`: everybody. `token`: holders of an upload link. `session`: who is signed in. `off`: nobody.',
    zh: '除可管理者之外谁可以上传。`open`：所有人；`token`：持有上传链接者；`session`：已登录者；`off`：无人。',
  }),
  max_uploads_per_address: row('uploads', integer(1, 65_535), 64, {
    expert: true,
    en: 'Uploads that one address may have under way at the same time, unless it may manage.',
    zh: '单个地址可同时进行的上传数量；可管理者不受限制。',
  }),

  default_download: row('downloads', flag(), true, {
    en: 'Browsers save files instead of showing them, unless the URL says `download=0`.',
    zh: '浏览器默认保存文件而不是直接显示，除非 URL 带有 `download=0`。',
  }),
  download_domain: row('downloads', baseUrl(), '', {
    en: 'Beginning of the URLs that uploads answer with, such as `https://files.example.com`. Empty: the name by which the node was called.',
    zh: '上传应答中 URL 的开头，例如 `https://files.example.com`。留空则使用请求所用的主机名。',
  }),
  show_dir: row('downloads', flag(), true, {
    en: 'List the content of folders. Switch it off where names of files are nobody else’s business.',
    zh: '列出文件夹内容。如果文件名不宜公开，请关闭。',
  }),
  download_policy: row('downloads', choice(['open', 'token', 'session', 'off']), 'open', {
    en: 'Who may download, besides callers who may manage. `open`: everybody. `token`: holders of a share link or of a download token. `session`: who is signed in. `off`: nobody.',
    zh: '除可管理者之外谁可以下载。`open`：所有人；`token`：持有分享链接或下载令牌者；`session`：已登录者；`off`：无人。',
  }),

  admin_key: row('access', text(1024), '', {
    secret: true,
    en: 'Key of scripts that manage (`Authorization: Bearer KEY`), of the action `reload`, and of the login page. A new configuration gets a random one. Empty: no key is accepted.',
    zh: '管理脚本（`Authorization: Bearer 密钥`）、`reload` 操作和登录页所用的密钥。新生成的配置带有随机密钥。留空则不接受任何密钥。',
  }),
  admin_ips: row('access', addressList(), ['127.0.0.1'], {
    en: 'Addresses and ranges from which scripts may manage the node. `0.0.0.0` means any private address; this machine itself always may.',
    zh: '允许脚本管理节点的地址和网段。`0.0.0.0` 表示任意内网地址；本机始终允许。',
  }),
  session_idle_minutes: row('access', integer(1, 525_600), 1440, {
    en: 'Minutes without a request after which a login ends.',
    zh: '登录在多少分钟没有请求后失效。',
  }),
  session_max_days: row('access', integer(1, 3650), 30, {
    en: 'Days after which a login ends in any case.',
    zh: '登录在多少天后无论如何失效。',
  }),
  stranger_requests_per_minute: row('access', integer(0, 1_000_000), 600, {
    expert: true,
    en: 'Requests a minute that one address may send to pages, links and look-ups (not: plain downloads and uploads), unless it may manage. 0: no limit.',
    zh: '单个地址每分钟可对页面、链接和查询发出的请求数（不含普通下载和上传）；可管理者不受限制。0 表示不限制。',
  }),
  download_use_token: row('access', flag(), false, {
    en: 'Downloads need `token=md5(<file md5> + <timestamp>)` and `timestamp`.',
    zh: '下载需要 `token=md5(<文件 md5> + <时间戳>)` 和 `timestamp`。',
  }),
  download_token_expire: row('access', integer(1, 3_153_600_000), 600, {
    en: 'Seconds that a download token is good for, before and after its timestamp.',
    zh: '下载令牌在其时间戳前后的有效秒数。',
  }),
  scenes: row('access', field.sceneList(), [], {
    secret: true,
    en: 'Scenes that uploads may use, as `name` or `name:SECRET`; the base32 secret is for `enable_google_auth`. Empty: any scene.',
    zh: '允许上传使用的场景，格式为 `名称` 或 `名称:密钥`；base32 密钥用于 `enable_google_auth`。留空表示不限。',
  }),
  enable_google_auth: row('access', flag(), false, {
    en: 'Uploads and downloads of scenes that have a secret need a one-time code (TOTP) in `code`.',
    zh: '对设有密钥的场景，上传和下载需要在 `code` 中提供一次性验证码（TOTP）。',
  }),
  auth_url: row('access', serviceUrl(), '', {
    secret: true,
    en: 'Service that is asked whether an upload is allowed; anything but its `ok` refuses. Empty: nobody is asked.',
    zh: '用于询问是否允许上传的服务，未返回 `ok` 即拒绝。留空则不询问。',
  }),
  enable_download_auth: row('access', flag(), false, {
    en: 'Ask `auth_url` for downloads too.',
    zh: '下载时也询问 `auth_url`。',
  }),

  enable_image_resize: row('images', flag(), true, {
    en: 'Scale and convert images when the URL has `width`, `height` or `format`.',
    zh: '当 URL 带有 `width`、`height` 或 `format` 时缩放、转换图片。',
  }),
  image_max_width: row('images', integer(1, 65_535), 2000, {
    en: 'Largest width in pixels that an image is scaled to.',
    zh: '缩放图片的最大宽度（像素）。',
  }),
  image_max_height: row('images', integer(1, 65_535), 1000, {
    en: 'Largest height in pixels that an image is scaled to.',
    zh: '缩放图片的最大高度（像素）。',
  }),

  image_max_pixels: row('images', integer(1_000, 2_000_000_000), 100_000_000, {
    expert: true,
    en: 'Images with more pixels than this, all frames of an animation together, are not decoded.',
    zh: '像素总数（动画为所有帧之和）超过该值的图片不会被解码。',
  }),
  image_timeout: row('images', seconds(1), 15, {
    expert: true,
    en: 'Seconds that the work on one image may take.',
    zh: '处理一张图片允许的秒数。',
  }),
  image_cache_mb: row('images', integer(0, 10_000_000), 512, {
    restart: true,
    en: 'Disk space in MiB for scaled images; the ones that were not used for the longest time go first.',
    zh: '缩放结果占用的磁盘空间（MiB），最久未使用的最先清除。',
  }),
  image_workers: row('images', integer(0, 64), 0, {
    expert: true,
    restart: true,
    en: 'Images that are worked on at the same time, each in a process of its own. 0: half of the processor cores.',
    zh: '同时处理的图片数量，每张使用独立进程。0 表示处理器核数的一半。',
  }),

  mail: row(
    'alarms',
    field.mailAccount(),
    { user: '', password: '', host: '' },
    {
      secret: true,
      en: 'Mail account that sends alarms: `user`, `password` and `host` (`smtp.example.com:25`). Empty: no mail is sent.',
      zh: '发送告警的邮箱：`user`、`password` 和 `host`（`smtp.example.com:25`）。留空则不发送邮件。',
    },
  ),
  alarm_receivers: row('alarms', field.mailAddressList(), [], {
    en: 'Mail addresses that get alarms.',
    zh: '接收告警的邮箱地址。',
  }),
  alarm_url: row('alarms', serviceUrl(), '', {
    secret: true,
    en: 'URL that gets alarms as a POST with `subject` and `message`. Empty: none.',
    zh: '以 POST（`subject`、`message`）接收告警的 URL。留空则不发送。',
  }),

  alarm_url_format: row('alarms', choice(['form', 'json']), 'form', {
    en: 'How `alarm_url` is told: `form` posts the fields `subject` and `message` as go-fastdfs does, `json` an object that also has the alarm itself.',
    zh: '`alarm_url` 的通知格式：`form` 与 go-fastdfs 相同，提交 `subject` 和 `message` 字段；`json` 提交还包含告警本身的对象。',
  }),
  alarm_language: row('alarms', choice(['en', 'zh']), 'en', {
    en: 'Language of alarms: `en` or `zh`.',
    zh: '告警的语言：`en` 或 `zh`。',
  }),
  alarm_reminder_hours: row('alarms', integer(0, 8760), 24, {
    en: 'Hours after which an alarm that is still open is told again, unless somebody has acknowledged it. 0: never.',
    zh: '未解除的告警在多少小时后再次提醒，已确认的不再提醒。0 表示不提醒。',
  }),
  alarm_errors_per_minute: row('alarms', integer(0, 1_000_000), 30, {
    expert: true,
    en: 'Internal errors in a minute that raise an alarm. 0: none do.',
    zh: '一分钟内达到该数量的内部错误会触发告警。0 表示不触发。',
  }),
  alarm_failed_logins: row('alarms', integer(0, 1_000_000), 20, {
    expert: true,
    en: 'Failed logins in ten minutes that raise an alarm. 0: none do.',
    zh: '十分钟内达到该次数的登录失败会触发告警。0 表示不触发。',
  }),
  mail_from: row('alarms', field.mailAddress(), '', {
    en: 'Sender of alarms. Empty: the user of `mail`, when that is a mail address.',
    zh: '告警邮件的发件人。留空则使用 `mail` 的用户（若为邮箱地址）。',
  }),
  mail_security: row('alarms', choice(['auto', 'tls', 'starttls', 'none']), 'auto', {
    en: '`auto`: TLS on port 465, else STARTTLS, without which a password is sent to this machine only. `tls`, `starttls`: nothing else. `none`: plain text.',
    zh: '`auto`：465 端口使用 TLS，其他端口使用 STARTTLS；没有 STARTTLS 时，密码只会发往本机。`tls`、`starttls`：只允许该方式。`none`：明文。',
  }),
  mail_verify_certificate: row('alarms', flag(), true, {
    expert: true,
    en: 'Refuse mail servers whose certificate cannot be verified. Switch it off only for a server of your own.',
    zh: '拒绝证书无法验证的邮件服务器。仅在使用自有服务器时关闭。',
  }),

  peers: row('cluster', field.peerList(), [], {
    en: 'URLs of other nodes, such as `http://10.0.0.2:8080`.',
    zh: '其他节点的 URL，例如 `http://10.0.0.2:8080`。',
  }),
  peer_id: row('cluster', segment(true), '', {
    restart: true,
    en: 'Folder of this node in the paths of new uploads; no two nodes may share one. Empty: eight hex digits of the node id.',
    zh: '本节点在新上传路径中的目录名，各节点不得相同。留空则使用节点 ID 的八位十六进制数字。',
  }),
  peer_addr: row('cluster', listenAddress(), ':8443', {
    restart: true,
    en: 'Address and port on which the node speaks with other members.',
    zh: '与其他成员通信的监听地址和端口。',
  }),
  advertise: row('cluster', field.reachableAddress(), '', {
    restart: true,
    en: 'Address and port under which other members reach this node when they differ from `peer_addr`, as behind NAT. Empty: worked out by the node.',
    zh: '当其他成员访问本节点的地址与 `peer_addr` 不同（例如位于 NAT 之后）时，在此填写地址和端口。留空则由节点自行确定。',
  }),
  enable_discovery: row('cluster', flag(), true, {
    restart: true,
    en: 'Announce this node on the local network (mDNS) and look for others there. Nobody is let in by it.',
    zh: '在本地网络上公布本节点（mDNS）并查找其他节点；仅凭此不会接纳任何节点。',
  }),
  cluster_key: row('cluster', text(1024), '', {
    restart: true,
    secret: true,
    en: 'Nodes with the same key join each other by themselves; at least 20 characters. `shoal key` makes one. Empty: nobody joins by a key.',
    zh: '密钥相同的节点会自动组成集群；至少 20 个字符，可用 `shoal key` 生成。留空则不接受以密钥加入。',
  }),
  min_replicas: row('cluster', integer(1, 64), 1, {
    en: 'An upload is answered when its bytes are verified on so many members, this one included. A single upload may ask for more.',
    zh: '上传的数据在这么多成员（含本节点）上通过校验后才会应答。单次上传可要求更多。',
  }),
  replica_timeout: row('cluster', seconds(1), 15, {
    expert: true,
    en: 'Seconds that an upload waits for `min_replicas`; then it is answered with 202 and the number that was reached.',
    zh: '上传等待 `min_replicas` 的秒数；超时后以 202 应答，并告知已达到的数量。',
  }),
  peer_bandwidth_kib: row('cluster', amount(0), 0, {
    en: 'Most KiB a second that this node fetches from other members. 0: as many as come.',
    zh: '本节点每秒从其他成员获取的最大 KiB 数。0 表示不限制。',
  }),
  auto_repair: row('cluster', flag(), true, {
    en: 'Compare files with the other members regularly and mend what differs.',
    zh: '定期与其他成员比对文件并修复差异。',
  }),
  refresh_interval: row('cluster', seconds(1), 1800, {
    expert: true,
    en: 'Seconds between two looks for files that the other members still lack, and between two scans of a folder watched by `enable_fsnotify`.',
    zh: '检查其他成员尚缺文件、以及扫描由 `enable_fsnotify` 监视的目录的间隔秒数。',
  }),
  sync_timeout: row('cluster', seconds(0), 0, {
    expert: true,
    en: 'Seconds without a byte after which the transfer of a file between members is tried again. 0: the default of the node.',
    zh: '成员之间传输文件时，连续多少秒没有数据即重试。0 表示节点默认值。',
  }),
  sync_delay: row('cluster', seconds(0), 60, {
    expert: true,
    en: 'Seconds that a file found by `enable_fsnotify` must stay unchanged before it is taken in.',
    zh: '由 `enable_fsnotify` 发现的文件须保持多少秒不变才会被收录。',
  }),
  sync_worker: row('cluster', integer(1, 10_000), 200, {
    expert: true,
    restart: true,
    en: 'Most transfers between members at the same time.',
    zh: '成员之间同时传输的最大数量。',
  }),
  retry_count: row('cluster', integer(0, 1000), 3, {
    expert: true,
    en: 'Quick retries of a failed transfer; later ones wait longer and longer, but none is dropped.',
    zh: '传输失败后快速重试的次数；之后的重试间隔逐渐变长，但不会放弃。',
  }),

  log_level: row('logs', choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal']), 'info', {
    en: 'Least important message that is logged.',
    zh: '记录的最低日志级别。',
  }),
  log_max_mb: row('logs', integer(1, 10_240), 20, {
    expert: true,
    restart: true,
    en: 'Size in MiB at which a new log file is begun.',
    zh: '日志文件达到该大小（MiB）后换新文件。',
  }),
  log_files: row('logs', integer(1, 1000), 10, {
    expert: true,
    restart: true,
    en: 'Log files that are kept.',
    zh: '保留的日志文件数量。',
  }),
  access_log: row('logs', flag(), true, {
    restart: true,
    en: 'Log every request.',
    zh: '记录每个请求。',
  }),

  group: row('compatibility', segment(false), 'group1', {
    restart: true,
    en: 'First segment of all URLs of the compatible interface.',
    zh: '兼容接口所有 URL 的第一段。',
  }),
  support_group_manage: row('compatibility', flag(), true, {
    restart: true,
    en: 'URLs begin with the group. While it is off, they do not.',
    zh: 'URL 以组名开头。关闭后则不带组名。',
  }),
  enable_migrate: row('compatibility', flag(), false, {
    expert: true,
    en: 'Allow the action `repair_fileinfo`, which takes files found in the store folder into the catalogue.',
    zh: '允许 `repair_fileinfo` 操作，将存储目录中发现的文件收录进目录库。',
  }),
  enable_fsnotify: row('compatibility', flag(), false, {
    expert: true,
    restart: true,
    en: 'Other programs write the store folder `files/`, which may be a link: it is watched, and new, changed and removed files are taken in. Their files are never packed and never share bytes on disk. Many removals at once wait for an answer (`/api/v1/watch`).',
    zh: '存储目录 `files/`（可以是链接）由其他程序写入：对其进行监视，收录新增、更改和删除的文件。这些文件不会移入合并文件，也不会共享磁盘数据。大量删除会等待确认（`/api/v1/watch`）。',
  }),
  config_version: row('compatibility', integer(currentConfigVersion, currentConfigVersion), currentConfigVersion, {
    expert: true,
    en: 'Format of this file. Written by the node; never change it.',
    zh: '本文件的格式版本，由节点写入，请勿更改。',
  }),
} as const;

type Table = typeof table;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The name of a configuration key. */
export type ConfigKey = keyof Table;

/** A complete, valid configuration. Frozen all the way down when it comes from this room. */
export type Config = { readonly [K in ConfigKey]: DeepReadonly<Table[K]['default']> };

/** What a settings page and the documentation need to know about a key. */
export interface ConfigKeyInfo {
  readonly key: ConfigKey;
  readonly group: ConfigGroup;
  readonly kind: field.FieldKind;
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly default: Config[ConfigKey];
  /** Explanation, Markdown. */
  readonly en: string;
  /** The same in Chinese. */
  readonly zh: string;
  /** Holds something that must not reach logs or screens. */
  readonly secret: boolean;
  /** Rarely needed: settings pages show it on demand. */
  readonly expert: boolean;
  readonly applies: 'at-once' | 'after-restart';
  /** Every key belongs to this node alone; settings of a whole cluster are not in this file. */
  readonly scope: 'local';
}

/** The names of all keys, in the order of the table: by group, the more common ones first. */
export const configKeyNames = Object.keys(table) as readonly ConfigKey[];

/** All defaults. `admin_key` is empty here; a generated file gets a random one. */
export const defaultConfig: Config = deepFreeze(
  Object.fromEntries(configKeyNames.map((key) => [key, table[key].default])),
) as Config;

/** All keys, in the same order. */
export const configKeys: readonly ConfigKeyInfo[] = Object.freeze(configKeyNames.map(configKeyInfo));

type Shape = { readonly [K in ConfigKey]: z.ZodDefault<Table[K]['field']['schema']> };

/** Checks a whole configuration: missing keys get their default, keys that are not in the table are left out. */
export const configSchema: z.ZodObject<Shape> = z.object(
  Object.fromEntries(
    configKeyNames.map((key) => [key, (table[key].field.schema as z.ZodType).default(table[key].default)]),
  ),
) as unknown as z.ZodObject<Shape>;

/** Keys of go-fastdfs that have no effect here. They are accepted in silence, so that its files work as they are. */
export const ineffectiveKeys: readonly string[] = Object.freeze([
  'connect_timeout',
  'enable_disk_cache',
  'enable_pprof_debug',
  'proxies',
  'queue_size',
  'upload_queue_size',
  'watch_chan_size',
]);

/** Whether the table has a key of this name. */
export function isConfigKey(name: string): name is ConfigKey {
  return Object.hasOwn(table, name);
}

/** What is known about a key. */
export function configKeyInfo(key: ConfigKey): ConfigKeyInfo {
  const { field: type, group, en, zh, secret, expert, restart }: Row<unknown> = table[key];
  const { kind, choices, min, max } = type;
  return Object.freeze({
    key,
    group,
    kind,
    ...(choices && { choices }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    default: defaultConfig[key],
    en,
    zh,
    secret: secret === true,
    expert: expert === true,
    applies: restart ? 'after-restart' : 'at-once',
    scope: 'local',
  });
}

/** Freezes a value that came from JSON, all the way down, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
