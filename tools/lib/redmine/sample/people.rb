# frozen_string_literal: true

require 'digest'

module Sample
  # Users with deterministic API keys, feed keys and passwords, and one group. Settings, too: who may ask, and how.
  module People
    #         login     first      last         what is special
    LOGINS = {
      'admin'  => ['Ada',     'Admin',     { :admin => true }],
      'mona'   => ['Mona',    'Manager',   {}],
      'marc'   => ['Marc',    'Manager',   {}],
      'dora'   => ['Dora',    'Developer', {}],
      'dave'   => ['Dave',    'Developer', {}],
      'dina'   => ['Dina',    'Developer', {}],
      'dirk'   => ['Dirk',    'Developer', {}],
      'rita'   => ['Rita',    'Reporter',  {}],
      'ralf'   => ['Ralf',    'Reporter',  {}],
      'rosa'   => ['Rosa',    'Reporter',  {}],
      'klaus'  => ['Klaus',   'Müller',    { :language => 'de' }],
      'tomoko' => ['Tomoko',  '佐藤',      { :time_zone => 'Tokyo' }],
      'lenny'  => ['Lenny',   'Locked',    { :status => 3 }],
      'olga'   => ['Olga',    'Outsider',  {}],
      'otto'   => ['Otto',    'Newcomer',  { :must_change_passwd => true }]
    }.freeze
    FIRST_ID = 5 # 1 is the admin; 2 to 4 are the built-in groups and Anonymous

    SETTINGS = {
      :rest_api_enabled => '1',
      :jsonp_enabled => '1',
      :login_required => '0',
      :default_language => 'en',
      :notified_events => [],
      :app_title => 'Redmine with sample data'
    }.freeze

    class << self
      def load
        Sample.say "users: #{LOGINS.size}"
        SETTINGS.each { |name, value| Setting[name] = value }
        User.anonymous
        Principal.where(:id => 2...FIRST_ID).update_all(:created_on => Time.now, :updated_on => Time.now)
        LOGINS.each_key { |login| user(login) }
        support = Group.create!(:lastname => 'Support')
        support.users = [User.find(id('rita')), User.find(id('ralf'))]
      end

      def id(login)
        login == 'admin' ? 1 : FIRST_ID + LOGINS.keys.index(login) - 1
      end

      def secret(purpose, login)
        Digest::SHA1.hexdigest("sample #{purpose} of #{login}")
      end

      def password(login)
        "#{login}-password"
      end

      private

      def user(login)
        Sample.tick
        first, last, special = LOGINS.fetch(login)
        salt = secret('salt', login)[0, 32]
        row = {
          :login => login, :firstname => first, :lastname => last, :type => 'User',
          :admin => special.fetch(:admin, false), :status => special.fetch(:status, 1),
          :language => special.fetch(:language, ''), :mail_notification => 'none',
          :must_change_passwd => special.fetch(:must_change_passwd, false),
          :salt => salt, :hashed_password => User.hash_password(salt + User.hash_password(password(login))),
          :created_on => Time.now, :updated_on => Time.now, :passwd_changed_on => Time.now
        }
        if login == 'admin'
          User.where(:id => 1).update_all(row)
        else
          Sample.insert(User, [row.merge(:id => id(login))])
        end
        belongings(login, special)
      end

      def belongings(login, special)
        EmailAddress.where(:user_id => id(login)).delete_all
        UserPreference.where(:user_id => id(login)).delete_all
        EmailAddress.create!(:user_id => id(login), :address => "#{login}@example.net", :is_default => true)
        UserPreference.create!(:user_id => id(login), :time_zone => special.fetch(:time_zone, ''), :hide_mail => login == 'olga')
        %w[api feeds].each do |action|
          Sample.insert(Token, [{ :user_id => id(login), :action => action, :value => secret(action, login),
                                  :created_on => Time.now, :updated_on => Time.now }])
        end
      end
    end
  end
end
