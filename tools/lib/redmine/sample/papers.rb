# frozen_string_literal: true

require 'stringio'
require 'zlib'

module Sample
  # What people write and hang up: wiki pages, news, saved queries, and files.
  module Papers
    LARGE = 5 * 1024 * 1024 # as large as Redmine takes by default
    WIKI = %w[Wiki Setting_up Häufige_Fragen].freeze

    # A file as an upload form hands it over.
    class Upload < StringIO
      attr_reader :original_filename, :content_type

      def initialize(name, type, bytes)
        super(bytes)
        @original_filename = name
        @content_type = type
      end
    end

    class << self
      # name => id of each attachment, for the description
      attr_reader :attachments

      def load
        Sample.say 'wiki pages, news, files'
        wikis
        news
        queries
        files
      end

      private

      def wikis
        Projects::LIST.each do |project|
          next if project.status == Project::STATUS_ARCHIVED

          wiki = Wiki.create!(:project_id => project.id, :start_page => 'Wiki')
          WIKI.each_with_index do |title, nth|
            Sample.tick
            page = WikiPage.new(:wiki => wiki, :title => title)
            page.parent = wiki.find_page('Wiki') if nth.positive?
            page.save_with_content(WikiContent.new(:page => page, :author_id => People.id('dora'), :comments => 'first',
                                                   :text => "h1. #{title}\n\nAbout #{project.name} & [[Wiki|the rest]].\n"))
          end
        end
        revise
      end

      # The first page has three versions.
      def revise
        page = Project.find(1).wiki.find_page('Wiki')
        %w[second third].each do |nth|
          Sample.tick
          content = page.content
          content.attributes = { :text => "#{content.text}\nThe #{nth} time.\n", :comments => nth, :author_id => People.id('mona') }
          page.save_with_content(content)
        end
      end

      def news
        [1, 1, 1, 2, 3, 5, 7, 10, 14, 20].each_with_index do |project, nth|
          Sample.tick
          item = News.create!(:project_id => project, :author_id => People.id('mona'), :title => "News no. #{nth + 1} & more",
                              :summary => nth.even? ? 'In short' : '', :description => "It is *out*: number #{nth + 1}.")
          item.comments.create!(:author_id => People.id('rita'), :content => 'At last.') if nth < 4
        end
      end

      def queries
        IssueQuery.create!(:name => 'Open bugs of Atlas', :project_id => 1, :user_id => People.id('mona'),
                           :visibility => Query::VISIBILITY_PUBLIC, :column_names => [:tracker, :status, :subject],
                           :filters => { 'status_id' => { :operator => 'o', :values => [''] },
                                         'tracker_id' => { :operator => '=', :values => ['1'] } })
        IssueQuery.create!(:name => 'For Dora only', :user_id => People.id('dora'), :visibility => Query::VISIBILITY_PRIVATE,
                           :filters => { 'assigned_to_id' => { :operator => '=', :values => ['me'] } })
      end

      def files
        @attachments = {}
        first = Issue.find(1)
        attach('text', first, 'notes.txt', 'text/plain', "Three lines,\nof which one is über-long &\nnone ends.\n")
        attach('large', first, 'blob.bin', 'application/octet-stream', Sample.chance('large file').bytes(LARGE))
        attach('image', first, 'ramp.png', 'image/png', png(200, 150))
        attach('unicode', Issue.find(10), 'Übersicht 日本.csv', 'text/csv', "name,wert\näöü,1\n")
        attach('secret', Issue.find(3), 'secret.txt', 'text/plain', "Only for members.\n")
        attach('private', Issue.find(2), 'private.txt', 'text/plain', "Only for those who see the issue.\n")
        attach('wiki', Project.find(1).wiki.find_page('Wiki'), 'plan.pdf', 'application/pdf', "%PDF-1.4\n%%EOF\n")
        attach('project', Project.find(1), 'atlas-1.0.tar.gz', 'application/gzip', "\x1f\x8b\x08 and so on".b)
        attach('version', Version.find(1), 'release-notes.txt', 'text/plain', "Everything is new.\n")
        attach('news', News.find(1), 'poster.txt', 'text/plain', "Come all.\n")
      end

      def attach(name, container, filename, type, bytes)
        Sample.tick
        made = Attachment.create!(:container => container, :author_id => People.id('mona'), :description => "The #{name} file",
                                  :file => Upload.new(filename, type, bytes))
        @attachments[name] = made.id
        # Made here, once: a thumbnail carries the time at which its original was put on this disk.
        [100, 200].each { |size| made.thumbnail(:size => size) } if type.start_with?('image/')
      end

      # A grey ramp, written by hand: the same bytes whatever tools the machine has.
      def png(width, height)
        line = "\0" + (0...width).map { |x| (x * 255 / width).chr(Encoding::BINARY) }.join
        header = [width, height, 8, 0, 0, 0, 0].pack('NNC5')
        "\x89PNG\r\n\x1a\n".b + chunk('IHDR', header) + chunk('IDAT', Zlib.deflate(line * height)) + chunk('IEND', '')
      end

      def chunk(type, data)
        [data.bytesize].pack('N') + type + data.b + [Zlib.crc32(type + data.b)].pack('N')
      end
    end
  end
end
